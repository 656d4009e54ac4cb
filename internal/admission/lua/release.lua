-- Gives back the slot and the CU of a request that cost nothing.
--
-- KEYS, ARGV  as in grant.lua, then  6 ms the marker is kept
-- Returns  {DONE}, {LOST} or {OTHER_ACCOUNT, key, project, team}
-- Invariant: a reservation is given back once; a repeat changes nothing.

if lost(KEYS[1], ARGV[1]) then
  return {LOST}
end
local grant = read_grant(KEYS[2])
if not live(grant) then
  return {DONE}
end
local other = elsewhere(grant)
if other then
  return other
end
end_grant(grant, RELEASED, ARGV[6])
note(KEYS[3], 'release', ARGV[2], grant, grant.amount, 0, 0)
return {DONE}
