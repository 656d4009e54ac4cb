-- Put in front of scripts that may answer that a request waits. A wait is that answer:
--   {WAIT, reason, ms, endless, scope, x, y, z}
-- with the number of the scope in ask.scopes. For a pause x is its end, for a rate x of
-- y requests are used, for slots x of y; for CU x is the cap, y what is spent or
-- reserved, and z the cap's number in CAPS. Endless is 1 if nothing but a person ends it.

local REASON, MS, ENDLESS = 2, 3, 4
local CAPS = {'total', 'day', 'month'}

-- longer returns the wait that lasts longer; an endless one outlasts all. The first of
-- equals wins, so the order of asking is that of weight.
local function longer(a, b)
  if not a or b and (b[ENDLESS] > a[ENDLESS] or b[ENDLESS] == a[ENDLESS] and b[MS] > a[MS]) then
    return b
  end
  return a
end

-- pause_wait is the wait for the end of a pause, given what a hold says, or nil.
local function pause_wait(i, value, now)
  local till, reason = parse_hold(value)
  if till > now then
    return {WAIT, reason, till - now, 0, i, till, 0, 0}
  end
end

-- rate_wait is the wait for a place in a window, or nil if it comes within ahead ms.
local function rate_wait(i, ahead, ms, used, limit)
  if ms > ahead then
    return {WAIT, REQUEST_RATE, ms, 0, i, used, limit, 0}
  end
end
