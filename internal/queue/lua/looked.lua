-- Remembers that somebody looked just now.
--
-- KEYS[1] time of the last look, ms
-- Returns OK.
-- Invariant: the time is of Redis' clock, which all machines share.
local now = redis.call('TIME')
return redis.call('SET', KEYS[1], string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000)))
