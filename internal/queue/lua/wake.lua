-- Lets a task run now that waits for its time.
--
-- KEYS[1] task   KEYS[2] list of the pending
-- KEYS[3..4] sorted sets of the scheduled, those to be retried
-- ARGV[1] task id
-- Returns 1, or 0 if there is no such task. One that runs or is archived stays as it is.
-- Invariant: a task is in one list or set, the one that its state names.
local state = redis.call('HGET', KEYS[1], 'state')
local set = state == 'scheduled' and KEYS[3] or state == 'retry' and KEYS[4]
if set and redis.call('ZREM', set, ARGV[1]) == 1 then
  local now = redis.call('TIME')
  redis.call('LPUSH', KEYS[2], ARGV[1])
  redis.call('HSET', KEYS[1], 'state', 'pending', 'pending_since', now[1] .. string.format('%06d', now[2]) .. '000')
end
return state and 1 or 0
