-- Says whether asynq has a task, and can let one that waits run now.
--
-- KEYS[1] task   KEYS[2] list of the pending   KEYS[3] leases of the active, by their end in seconds
-- KEYS[4..6] sorted sets of the scheduled, those to be retried, the archived
-- ARGV[1] task id   ARGV[2] for how many seconds a lease may be over   ARGV[3] 1 to run it now if it waits
-- Returns 1, or 0 if there is no such task or asynq has lost it.
-- Invariant: a task that no server will ever find is not there, whatever its hash says.
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'pending' then
  return redis.call('LPOS', KEYS[2], ARGV[1]) and 1 or 0
end
local now = redis.call('TIME')
if state == 'active' then
  local lease = redis.call('ZSCORE', KEYS[3], ARGV[1])
  return lease and tonumber(lease) + ARGV[2] >= tonumber(now[1]) and 1 or 0
end
local sets = {scheduled = KEYS[4], retry = KEYS[5], archived = KEYS[6]}
if not sets[state] or not redis.call('ZSCORE', sets[state], ARGV[1]) then
  return 0
end
if ARGV[3] == '1' and state ~= 'archived' then
  redis.call('ZREM', sets[state], ARGV[1])
  redis.call('LPUSH', KEYS[2], ARGV[1])
  redis.call('HSET', KEYS[1], 'state', 'pending', 'pending_since', now[1] .. string.format('%06d', now[2]) .. '000')
end
return 1
