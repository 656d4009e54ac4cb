-- Takes a lease that is free, or extends one that is held by the same token.
--
-- KEYS[1] lease   ARGV[1] token   ARGV[2] milliseconds   ARGV[3] 1 to extend only
-- Returns 1 if it is now held, 0 if another holds it.
-- Invariant: a lease has one holder at a time, named by its token.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] or not holder and ARGV[3] == '1' then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
