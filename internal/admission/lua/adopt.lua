-- Reserves slot and CU of a run that exists already, whatever the caps say.
--
-- KEYS  1 grant  2 slots  3 key CU  4 batch CU
-- ARGV  1 owner  2 key  3 project  4 team  5 amount
-- Returns  {DONE}
-- Invariant: a live or settled grant is not counted a second time.

local grant = read_grant(KEYS[1])
if live(grant) or grant.state == FINAL then
  return {DONE}
end
hold_grant(KEYS[1], KEYS[2], KEYS[3], KEYS[4], tonumber(ARGV[5]))
return {DONE}
