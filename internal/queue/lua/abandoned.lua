-- Removes a task that is in no list, or that a process has left running.
--
-- KEYS[1] task   KEYS[2] list of the pending   KEYS[3] list of the active
-- KEYS[4] leases of the active, by their end in seconds
-- KEYS[5..7] sorted sets of the scheduled, those to be retried, the archived
-- ARGV[1] task id   ARGV[2] for how many seconds a lease may be over; -1 if whoever runs the task is dead
-- Returns 1 if there is no such task now, 0 if it waits or runs.
-- Invariant: what is left of a task that no server will ever find is removed, so that
-- its id is free.
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'pending' and redis.call('LPOS', KEYS[2], ARGV[1]) then
  return 0
end
local sets = {scheduled = KEYS[5], retry = KEYS[6], archived = KEYS[7]}
if sets[state] and redis.call('ZSCORE', sets[state], ARGV[1]) then
  return 0
end
if state == 'active' and ARGV[2] ~= '-1' then
  local lease = redis.call('ZSCORE', KEYS[4], ARGV[1])
  if lease and lease + ARGV[2] >= tonumber(redis.call('TIME')[1]) then
    return 0
  end
end
redis.call('LREM', KEYS[3], 0, ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('DEL', KEYS[1])
return 1
