-- Writes the heartbeat of a process, unless it was declared dead.
--
-- KEYS[1] heartbeat   KEYS[2] a lease that it must hold, or none
-- ARGV[1] owner   ARGV[2] milliseconds for which it counts
-- Returns 1, or 0 if the process was declared dead, or another holds the lease.
-- Invariant: a process that was declared dead never lives again under the same name.
if redis.call('GET', KEYS[1]) == 'dead' then
  return 0
end
redis.call('SET', KEYS[1], 'alive', 'PX', ARGV[2])
if KEYS[2] and redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
return 1
