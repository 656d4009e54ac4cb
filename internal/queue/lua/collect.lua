-- Notes which runs have ended, and lets the collect tasks of their jobs run now.
--
-- KEYS[1] set of the running   KEYS[2] set of those being stored
-- KEYS[3] list of the pending tasks   KEYS[4..5] sorted sets of the scheduled, those to be retried
-- ARGV[1] how records begin   ARGV[2] how counts begin   ARGV[3] how tasks begin
-- ARGV[4..] ref, batch, outcome or '' if it was noted before, task id, message, …
-- Returns how many runs ended now.
-- Invariant: a job whose run has ended has a collect task. A live record is in the index set
-- of its state and in no other, and so is a task; one that runs is left as it is.
local now = redis.call('TIME')
local ms = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000))
local since = now[1] .. string.format('%06d', now[2]) .. '000'
local sets = {scheduled = KEYS[4], retry = KEYS[5]}
local ended = 0
for i = 4, #ARGV, 5 do
  local ref, record, id, task = ARGV[i], ARGV[1] .. ARGV[i], ARGV[i + 3], ARGV[3] .. ARGV[i + 3]
  local state = redis.call('HGET', record, 'state')
  if state == 'running' and ARGV[i + 2] ~= '' then
    state = 'storing'
    ended = ended + 1
    redis.call('HSET', record, 'state', state, 'since', ms, 'outcome', ARGV[i + 2])
    redis.call('HINCRBY', record, 'fence', 1)
    redis.call('ZREM', KEYS[1], ref)
    redis.call('ZADD', KEYS[2], ms, ref)
    redis.call('HINCRBY', ARGV[2] .. ARGV[i + 1], 'running', -1)
    redis.call('HINCRBY', ARGV[2] .. ARGV[i + 1], 'storing', 1)
  end
  if state == 'storing' then
    local was = redis.call('HGET', task, 'state')
    if not was or sets[was] and redis.call('ZREM', sets[was], id) == 1 then
      redis.call('HSET', task, 'msg', ARGV[i + 4], 'state', 'pending', 'pending_since', since)
      redis.call('LPUSH', KEYS[3], id)
    end
  end
end
return ended
