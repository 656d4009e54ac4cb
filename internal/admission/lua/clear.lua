-- Deletes what was counted before this epoch began.
--
-- KEYS  1 epoch  then those to delete
-- ARGV  1 token of the epoch
-- Returns  {DONE} or {LOST}
-- Invariant: nothing of an epoch that another process began meanwhile is deleted.

if lost(KEYS[1], ARGV[1]) then
  return {LOST}
end
for i = 2, #KEYS do
  redis.call('UNLINK', KEYS[i])
end
return {DONE}
