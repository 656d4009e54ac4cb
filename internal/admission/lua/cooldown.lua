-- Grants nothing in a scope for a time.
--
-- KEYS  1 hold
-- ARGV  1 reason  2 ms
-- Returns  {DONE}
-- Invariant: the later end of old and new stands, with its reason.

-- A hold is kept beyond its end, which its value tells: an emulated Redis drops keys
-- a little early.
local SPARE = 10 * 1000

local now = now_ms()
local old = parse_hold(redis.call('GET', KEYS[1]))
local till = now + tonumber(ARGV[2])
if till > old and till > now then
  redis.call('SET', KEYS[1], int(till) .. ' ' .. ARGV[1], 'PX', int(tonumber(ARGV[2]) + SPARE))
end
return {DONE}
