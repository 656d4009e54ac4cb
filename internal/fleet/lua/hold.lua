-- Takes a lease that is free, or whose holder is known to be dead.
--
-- KEYS[1] lease   KEYS[2] heartbeat of who asks
-- ARGV[1] owner who asks   ARGV[2] owner who is dead, or ''
-- Returns the owner who holds it now, '' if nobody does.
-- Invariant: a lease has one holder at a time. It has no end of its own: it is void
-- when its holder is declared dead.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[2] then
  return holder
end
if redis.call('GET', KEYS[2]) ~= 'alive' then
  return holder or ''
end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
