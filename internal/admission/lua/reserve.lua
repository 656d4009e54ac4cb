-- Takes one place in the request rate, one slot, and CU of key and batch: all of
-- them or none.
--
-- KEYS  1 grant  2 rate  3 slots  4 ceiling  5 key CU  6 batch CU  7 key hold  8 project hold
-- ARGV  1 owner  2 key  3 project  4 team  5 amount
--       6 requests  7 submits  8 parallel (0 = none)  9 key cap  10 batch cap (-1 = none)
--       11 bucket ms  12 buckets  13 poll ms  14 ms to wait for what never fits
-- Returns
--   {DONE, again, amount, key, project, team}
--   {SETTLED}
--   {WAIT, reason, ms, x, y, z}: for a hold x is its end, for a rate x of y
--     requests are used, for slots x of y, for CU x is the cap, y spent or
--     reserved and z the amount
-- Invariant: spent + reserved <= cap, running <= ceiling and requests <= limit
-- after every grant; an attempt is granted at most once at a time.

local grant = read_grant(KEYS[1])
if live(grant) then
  return {DONE, 1, grant.amount, grant.key, grant.project, grant.team}
end
if grant.state == FINAL then
  return {SETTLED}
end

local now = now_ms()
local amount = tonumber(ARGV[5])
local poll, long = tonumber(ARGV[13]), tonumber(ARGV[14])
local longest, after = nil, 0 -- the reason that lasts longest; when to ask again

-- The first of equals wins, so the order below is that of weight.
local function wait(reason, ms, x, y, z)
  if ms > after then
    longest, after = {WAIT, reason, ms, x, y, z}, ms
  end
end

local function wait_for_hold(key)
  local till, reason = hold(key)
  wait(reason, till - now, till, 0, 0)
end

local stuck = nil -- a cap that this amount can never fit outlasts all other reasons
local function wait_for_cu(reason, key, cap)
  local totals = redis.call('HMGET', key, 'spent', 'reserved')
  local spent, reserved = number(totals[1]), number(totals[2])
  if cap < 0 or spent + reserved + amount <= cap then
    return
  end
  if spent + amount > cap then
    stuck = stuck or {WAIT, reason, long, cap, spent + reserved, amount}
  else
    wait(reason, poll, cap, spent + reserved, amount)
  end
end

wait_for_hold(KEYS[7])
wait_for_hold(KEYS[8])
wait_for_cu(BATCH_CU, KEYS[6], tonumber(ARGV[10]))
wait_for_cu(KEY_CU, KEYS[5], tonumber(ARGV[9]))

local running, most = redis.call('SCARD', KEYS[3]), ceiling(KEYS[4], tonumber(ARGV[8]))
if most > 0 and running >= most then
  wait(PARALLEL, poll, running, most, 0)
end

local window = open_window(KEYS[2], now, tonumber(ARGV[11]), tonumber(ARGV[12]))
local ms, used, limit = place_in(window, true, tonumber(ARGV[6]), tonumber(ARGV[7]))
wait(REQUEST_RATE, ms, used, limit, 0)

if stuck then
  stuck[3] = math.max(stuck[3], after)
  return stuck
end
if longest then
  return longest
end

take_place(window, true)
hold_grant(KEYS[1], KEYS[3], KEYS[5], KEYS[6], amount)
return {DONE, 0, amount, ARGV[2], ARGV[3], ARGV[4]}
