-- Gives back the slot of a run that ended; its CU stay reserved.
--
-- KEYS  1 grant  2 slots  3 key CU  4 batch CU (these two stay as they are)
-- ARGV  1 owner  2 key  3 project  4 team
-- Returns  {DONE} or {OTHER_SCOPE, key, project, team}
-- Invariant: only the grant's own slot is given back; a repeat changes nothing.

local grant = read_grant(KEYS[1])
if grant.state ~= HELD then
  return {DONE}
end
local other = elsewhere(grant)
if other then
  return other
end
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[1], 'state', FREED)
return {DONE}
