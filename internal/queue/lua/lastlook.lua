-- Says how long ago somebody looked.
--
-- KEYS[1] time of the last look, ms
-- Returns milliseconds, or -1 if nobody ever did.
-- Invariant: changes nothing.
local looked = redis.call('GET', KEYS[1])
if not looked then
  return -1
end
local now = redis.call('TIME')
return math.max(0, now[1] * 1000 + math.floor(now[2] / 1000) - looked)
