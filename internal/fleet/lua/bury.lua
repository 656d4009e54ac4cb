-- Declares a process dead whose heartbeat is missing.
--
-- KEYS[1] heartbeat   ARGV[1] seconds for which this is remembered
-- Returns 1 if it is dead now, 0 if its heart beats.
-- Invariant: a process is either alive or dead for everybody who asks.
local heartbeat = redis.call('GET', KEYS[1])
if heartbeat then
  return heartbeat == 'dead' and 1 or 0
end
redis.call('SET', KEYS[1], 'dead', 'EX', ARGV[1])
return 1
