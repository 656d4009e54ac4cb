-- Takes one place in the request rate of key and project for a read.
--
-- KEYS  1 key rate  2 project rate  3 project hold
-- ARGV  1 requests of the key  2 of the project (0 = no limit)  3 bucket ms  4 buckets
-- Returns  {DONE} or {WAIT, reason, ms, x, y, z, part, endless} as in reserve.lua
-- Invariant: requests of a window <= limit.

local now = now_ms()
local till, reason = hold(KEYS[3])
local longest = {WAIT, reason, till - now, till, 0, 0, PROJECT, 0}
local windows = {}
for i = 1, 2 do
  local window = open_window(KEYS[i], now, tonumber(ARGV[3]), tonumber(ARGV[4]))
  local ms, used, limit = place_in(window, false, tonumber(ARGV[i]), 0)
  if ms > math.max(0, longest[3]) then
    longest = {WAIT, REQUEST_RATE, ms, used, limit, 0, i, 0}
  end
  windows[i] = window
end
if longest[3] > 0 then
  return longest
end
for _, window in ipairs(windows) do
  take_place(window, false, 0)
end
return {DONE}
