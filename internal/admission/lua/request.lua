-- Takes one place in the request rate for a read.
--
-- KEYS  1 rate  2 project hold
-- ARGV  1 requests (0 = no limit)  2 bucket ms  3 buckets
-- Returns  {DONE} or {WAIT, reason, ms, x, y, z} as in reserve.lua
-- Invariant: requests of a window <= limit.

local now = now_ms()
local till, reason = hold(KEYS[2])
local window = open_window(KEYS[1], now, tonumber(ARGV[2]), tonumber(ARGV[3]))
local ms, used, limit = place_in(window, false, tonumber(ARGV[1]), 0)
if till > now and till - now >= ms then
  return {WAIT, reason, till - now, till, 0, 0}
end
if ms > 0 then
  return {WAIT, REQUEST_RATE, ms, used, limit, 0}
end
take_place(window, false)
return {DONE}
