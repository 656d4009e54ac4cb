-- Grants nothing in a scope for a time.
--
-- KEYS  1 hold
-- ARGV  1 reason  2 ms
-- Returns  {DONE}
-- Invariant: the later end of old and new stands, with its reason.

local now = now_ms()
local old = parse_hold(redis.call('GET', KEYS[1]))
local till = now + tonumber(ARGV[2])
if till > old and till > now then
  redis.call('SET', KEYS[1], int(till) .. ' ' .. ARGV[1], 'PX', ARGV[2])
end
return {DONE}
