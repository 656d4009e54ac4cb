-- Adds tasks to a queue, to run now or later.
--
-- KEYS[1] list of the pending   KEYS[2] sorted set of the scheduled
-- ARGV[1] how tasks begin   ARGV[2] seconds until they run; 0 for now, -1 for now and before all others
-- ARGV[3..] task id, message, …
-- Returns how many were added; ids that are taken are left as they are.
-- Invariant: a task is in one list or set, the one that its state names.
local now = redis.call('TIME')
local wait = tonumber(ARGV[2])
local added = 0
for i = 3, #ARGV, 2 do
  local id, task = ARGV[i], ARGV[1] .. ARGV[i]
  if redis.call('EXISTS', task) == 0 then
    added = added + 1
    if wait > 0 then
      redis.call('HSET', task, 'msg', ARGV[i + 1], 'state', 'scheduled')
      redis.call('ZADD', KEYS[2], now[1] + wait, id)
    else
      redis.call('HSET', task, 'msg', ARGV[i + 1], 'state', 'pending', 'pending_since', now[1] .. string.format('%06d', now[2]) .. '000')
      redis.call(wait < 0 and 'RPUSH' or 'LPUSH', KEYS[1], id)
    end
  end
end
return added
