-- Takes one place in the request rates of its scopes for a read.
--
-- KEYS  those of the scopes
-- ARGV  1 {scopes}
-- Returns  {DONE} or a wait
-- Invariant: requests of a window <= limit.

local now, longest, windows = now_ms(), nil, {}
bind(ask, 1)
for i, scope in ipairs(ask.scopes) do
  if scope.rate then
    local paused = pause_wait(i, redis.call('GET', scope.hold), now)
    if paused and paused[REASON] == REQUEST_RATE then -- other pauses are of submits
      longest = longer(longest, paused)
    end
    local window = open_window(scope.rate, now)
    local ms, used, limit = place_in(window, scope.limits, false)
    longest = longer(longest, rate_wait(i, 0, ms, used, limit))
    if ms > PATIENCE then
      redis.call('HSET', scope.rate, 'steady', int(window.current))
    end
    windows[#windows + 1] = window
  end
end
if longest then
  return longest
end
for _, window in ipairs(windows) do
  take_place(window, false, 0)
end
return {DONE}
