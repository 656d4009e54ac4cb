-- Turns a reservation into spend and gives back its slot.
--
-- KEYS, ARGV  as in grant.lua, then  6 billed  7 refunded  8 ms the marker is kept
-- Returns  {DONE}, {LOST}, {NO_GRANT} or {OTHER_ACCOUNT, key, project, team}
-- Invariant: each grant's spend is counted once, for the time at which it was
-- reserved: by then the provider counts it.

if lost(KEYS[1], ARGV[1]) then
  return {LOST}
end
local grant = read_grant(KEYS[2])
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
local billed, refunded = tonumber(ARGV[6]), tonumber(ARGV[7])
end_grant(grant, FINAL, ARGV[8])
for _, key in ipairs(accounts_of_keys()) do
  spend(key, billed - refunded, grant.charged)
end
note(KEYS[3], 'settle', ARGV[2], grant, grant.amount, billed, refunded)
return {DONE}
