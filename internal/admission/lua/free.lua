-- Gives back the slot of a run that ended; its CU stay reserved.
--
-- KEYS, ARGV  as in grant.lua
-- Returns  {DONE}, {LOST} or {OTHER_ACCOUNT, key, project, team}
-- Invariant: only the grant's own slots are given back; a repeat changes nothing.

if lost(KEYS[1], ARGV[1]) then
  return {LOST}
end
local grant = read_grant(KEYS[2])
if grant.state ~= HELD then
  return {DONE}
end
local other = elsewhere(grant)
if other then
  return other
end
for _, key in ipairs(slots_of_keys()) do
  redis.call('SREM', key, ARGV[2])
end
redis.call('HSET', KEYS[2], 'state', FREED)
return {DONE}
