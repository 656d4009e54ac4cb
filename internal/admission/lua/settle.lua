-- Turns a reservation into spend and gives back its slot.
--
-- KEYS  1 grant  2 slots  3 key CU  4 batch CU
-- ARGV  1 owner  2 key  3 project  4 team  5 spent  6 ms the marker is kept
-- Returns  {DONE}, {NO_GRANT} or {OTHER_SCOPE, key, project, team}
-- Invariant: each grant's spend is counted once; spent of a key and a batch are
-- the sums of their settled grants and of what was seeded.

local grant = read_grant(KEYS[1])
if grant.state == FINAL then
  return {DONE}
end
if not live(grant) then
  return {NO_GRANT}
end
local other = elsewhere(grant)
if other then
  return other
end
end_grant(KEYS[1], KEYS[2], KEYS[3], KEYS[4], grant, FINAL, ARGV[6])
redis.call('HINCRBY', KEYS[3], 'spent', ARGV[5])
redis.call('HINCRBY', KEYS[4], 'spent', ARGV[5])
redis.call('HINCRBY', KEYS[4], 'via:' .. ARGV[2], ARGV[5])
return {DONE}
