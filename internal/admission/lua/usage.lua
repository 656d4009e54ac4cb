-- Tells what scopes use, for people to see.
--
-- KEYS  those of the scopes
-- ARGV  1 {scopes}
-- Returns  for each scope a list  requests left (-1 = no limit), running, most (0 = not known),
--   end of the pause in ms (0 = none), its reason, reserved, spent in total, this day
--   and this month, and the ends of day and month in ms; what does not count is 0
-- Invariant: changes nothing but what has left the window anyway, and remembers a sum
--   that was asked for.

local now, answer = now_ms(), {}
bind(ask, 1)
for i, scope in ipairs(ask.scopes) do
  local left, running, most = 0, 0, 0
  if scope.rate then
    local most_requests = scope.limits.requests
    left = most_requests and math.max(0, most_requests - fullest(open_window(scope.rate, now))) or -1
  end
  if scope.slots then
    running, most = redis.call('SCARD', scope.slots), ceiling(scope, nil, now) or 0
  end
  local till, reason = parse_hold(redis.call('GET', scope.hold))
  if till <= now then
    till, reason = 0, 0
  end
  local a = account(scope, now)
  answer[i] = {left, running, most, till, reason, a.reserved, a.total, a.day, a.month, a.ends_day, a.ends_month}
end
return answer
