-- Gives back the slot and the CU of a request that cost nothing.
--
-- KEYS  1 grant  2 slots  3 key CU  4 batch CU
-- ARGV  1 owner  2 key  3 project  4 team  5 ms the marker is kept
-- Returns  {DONE} or {OTHER_SCOPE, key, project, team}
-- Invariant: a reservation is given back once; a repeat changes nothing.

local grant = read_grant(KEYS[1])
if not live(grant) then
  return {DONE}
end
local other = elsewhere(grant)
if other then
  return other
end
end_grant(KEYS[1], KEYS[2], KEYS[3], KEYS[4], grant, RELEASED, ARGV[5])
return {DONE}
