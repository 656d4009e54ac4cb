-- Reserves slot and CU of a run that exists already, whatever the caps say.
--
-- KEYS, ARGV  as in grant.lua, then  6 amount  7 when it was charged, ms (0 = now)
-- Returns  {DONE} or {LOST}
-- Invariant: a live or settled grant is not counted a second time.

if lost(KEYS[1], ARGV[1]) then
  return {LOST}
end
local grant = read_grant(KEYS[2])
if live(grant) or grant.state == FINAL then
  return {DONE}
end
local charged = tonumber(ARGV[7])
if charged == 0 then
  charged = now_ms()
end
hold_grant(KEYS[2], KEYS[3], 'adopt', ARGV[2],
  {amount = tonumber(ARGV[6]), key = ARGV[3], project = ARGV[4], team = ARGV[5], charged = charged},
  slots_of_keys(), accounts_of_keys())
return {DONE}
