-- Opens an epoch once all was restored.
--
-- KEYS  1 epoch  2 ready
-- ARGV  1 token of the epoch
-- Returns  {DONE} or {LOST}
-- Invariant: only the epoch that there is now can be open.

if lost(KEYS[1], ARGV[1]) then
  return {LOST}
end
redis.call('SET', KEYS[2], ARGV[1])
return {DONE}
