-- Deletes what was counted before this life began.
--
-- KEYS  1 life  then those to delete
-- ARGV  1 token of the life
-- Returns  {DONE} or {LOST}
-- Invariant: nothing of a life that another process began meanwhile is deleted.

if lost(KEYS[1], ARGV[1]) then
  return {LOST}
end
for i = 2, #KEYS do
  redis.call('UNLINK', KEYS[i])
end
return {DONE}
