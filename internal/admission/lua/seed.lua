-- Counts what was spent before this life began.
--
-- KEYS  1 life  then the accounts of key, project, team and batch
-- ARGV  1 token of the life  2 time, ms  3 amount
-- Returns  {DONE} or {LOST}
-- Invariant: called once for each slice of what was spent, before the life is ready.

if lost(KEYS[1], ARGV[1]) then
  return {LOST}
end
for i = 2, #KEYS do
  spend(KEYS[i], tonumber(ARGV[3]), tonumber(ARGV[2]))
end
return {DONE}
