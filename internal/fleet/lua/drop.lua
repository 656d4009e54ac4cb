-- Gives a lease back if it is still held.
--
-- KEYS[1] lease   ARGV[1] owner
-- Returns 1, or 0 if it is held by another or by nobody.
-- Invariant: nobody gives back the lease of another.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
