-- Takes what one submission needs on one of several API keys: a place in the
-- request rates, slots, and CU of key, project, team and batch; all of it or
-- nothing.
--
-- KEYS  1 life  2 ready  3 grant  4 journal  5 batch CU
--       then for each candidate  key rate, key slots, key CU, key hold,
--       project rate, project CU, project hold, team slots, team ceiling, team CU, team hold
-- ARGV  1 token of the life  2 owner  3 amount  4 bucket ms  5 buckets  6 poll ms
--       7 ms to wait for what never fits  8 ms that a place may lie ahead
--       then the limits of the batch, then for each candidate  key, project, team
--       and the limits of each, as in limits.lua
-- Returns
--   {DONE, again, amount, ms until it may be sent, key, project, team}
--   {SETTLED}, {LOST}
--   {OTHER_ACCOUNT, key, project, team}: granted before, on a key that is no candidate
--   {WAIT, reason, ms, x, y, z, part, endless, candidate}: for a hold x is its end;
--     for a rate x of y requests are used; for slots x of y; part is KEY, PROJECT or
--     TEAM; for CU x is the cap, y what is spent or reserved, z the amount, part 0
--     total, 1 day, 2 month
-- Invariant: spent + reserved <= every cap, running <= ceiling and requests of any
-- window <= limit after every grant; an attempt is granted at most once at a time.

local PER_CANDIDATE_KEYS, PER_CANDIDATE_ARGS = 11, 3 + 3 * BLOCK

if lost(KEYS[1], ARGV[1]) or redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return {LOST}
end

local now, owner, amount = now_ms(), ARGV[2], tonumber(ARGV[3])
local bucket, buckets = tonumber(ARGV[4]), tonumber(ARGV[5])
local poll, long = tonumber(ARGV[6]), tonumber(ARGV[7])
local ahead = tonumber(ARGV[8])
local batch_limits = limits_at(9)
local candidates = (#KEYS - 5) / PER_CANDIDATE_KEYS

local function key_of(candidate, i) return KEYS[5 + (candidate - 1) * PER_CANDIDATE_KEYS + i] end
local function arg_of(candidate, i) return 8 + BLOCK + (candidate - 1) * PER_CANDIDATE_ARGS + i end

local before = read_grant(KEYS[3])
if before.state == FINAL then
  return {SETTLED}
end
if live(before) then
  for c = 1, candidates do
    if ARGV[arg_of(c, 1)] == before.key then
      if before.state == HELD then -- it may be sent only now: its CU count for now
        redis.call('HSET', KEYS[3], 'charged', int(now))
      end
      return {DONE, 1, before.amount, 0, before.key, before.project, before.team}
    end
  end
  return {OTHER_ACCOUNT, before.key, before.project, before.team}
end

-- longer returns the wait that lasts longer; one that nothing but a person ends
-- outlasts all. The first of equals wins, so the order of asking is that of weight.
local function longer(a, b)
  if not a or b and (b[8] > a[8] or b[8] == a[8] and b[3] > a[3]) then
    return b
  end
  return a
end

-- cu_wait is the wait for CU of a scope, or nil.
local function cu_wait(reason, a, candidate)
  local longest = nil
  for i, c in ipairs(a.caps) do
    if c.cap >= 0 and c.spent + a.reserved + amount > c.cap then
      local ms, endless = poll, 0 -- another job may give back what this one needs
      if c.spent + amount > c.cap then
        ms, endless = c.resets - now, 0
        if c.resets == 0 or amount > c.cap then
          ms, endless = long, 1
        end
      end
      longest = longer(longest, {WAIT, reason, ms, c.cap, c.spent + a.reserved, amount, i - 1, endless, candidate})
    end
  end
  return longest
end

local function hold_wait(key, part, candidate)
  local till, reason = hold(key)
  if till > now then
    return {WAIT, reason, till - now, till, 0, 0, part, 0, candidate}
  end
  return nil
end

local function slot_wait(slots, most, part, candidate)
  local running = redis.call('SCARD', slots)
  if most > 0 and running >= most then
    return {WAIT, PARALLEL, poll, running, most, 0, part, 0, candidate}
  end
  return nil
end

local windows_by_key = {} -- candidates of one project share its window

local function window_of(key)
  windows_by_key[key] = windows_by_key[key] or open_window(key, now, bucket, buckets)
  return windows_by_key[key]
end

-- consider looks at one API key: the wait that it would take or nil, and what a
-- grant on it needs to know.
local function consider(c, batch_wait)
  local key_limits = limits_at(arg_of(c, 4))
  local project_limits = limits_at(arg_of(c, 4) + BLOCK)
  local team_limits = limits_at(arg_of(c, 4) + 2 * BLOCK)
  key_limits.watch_day = true
  local key = account(key_of(c, 3), key_limits, now)

  local wait = hold_wait(key_of(c, 4), KEY, c)
  wait = longer(wait, hold_wait(key_of(c, 7), PROJECT, c))
  wait = longer(wait, hold_wait(key_of(c, 11), TEAM, c))
  wait = longer(wait, batch_wait)
  wait = longer(wait, cu_wait(KEY_CU, key, c))
  wait = longer(wait, cu_wait(PROJECT_CU, account(key_of(c, 6), project_limits, now), c))
  wait = longer(wait, cu_wait(TEAM_CU, account(key_of(c, 10), team_limits, now), c))
  wait = longer(wait, slot_wait(key_of(c, 2), key_limits.parallel, KEY, c))

  local known, probe_at, every = learned(key_of(c, 9))
  local most, next_probe = lower(known, team_limits.parallel), nil
  if most > 0 and most ~= team_limits.parallel and now >= probe_at and redis.call('SCARD', key_of(c, 8)) == most then
    most, next_probe = most + 1, now + every
  end
  wait = longer(wait, slot_wait(key_of(c, 8), most, TEAM, c))

  local delay, windows = 0, {}
  for i, l in ipairs({key_limits, project_limits}) do
    local window = window_of(key_of(c, i * 4 - 3))
    local ms, used, limit = place_in(window, true, l.requests, l.submits)
    if ms > ahead then
      wait = longer(wait, {WAIT, REQUEST_RATE, ms, used, limit, 0, i, 0, c})
    end
    delay = math.max(delay, ms)
    windows[i] = window
  end
  return wait, {candidate = c, delay = delay, windows = windows, used = key.day + key.reserved, most = most, next_probe = next_probe}
end

local batch_wait = cu_wait(BATCH_CU, account(KEYS[5], batch_limits, now), 0)
local best, soonest = nil, nil
for c = 1, candidates do
  local wait, choice = consider(c, batch_wait)
  if wait then
    if not soonest or wait[8] < soonest[8] or wait[8] == soonest[8] and wait[3] < soonest[3] then
      soonest = wait
    end
  elseif not best or choice.delay < best.delay or choice.delay == best.delay and choice.used < best.used then
    best = choice
  end
end
if not best then
  return soonest
end

local c = best.candidate
for _, window in ipairs(best.windows) do
  take_place(window, true, best.delay)
end
if best.next_probe then
  redis.call('HSET', key_of(c, 9), 'limit', int(best.most), 'probe', int(best.next_probe))
end
local grant = {
  amount = amount, charged = now + best.delay,
  key = ARGV[arg_of(c, 1)], project = ARGV[arg_of(c, 2)], team = ARGV[arg_of(c, 3)],
}
hold_grant(KEYS[3], KEYS[4], 'reserve', owner, grant, {key_of(c, 2), key_of(c, 8)},
  {key_of(c, 3), key_of(c, 6), key_of(c, 10), KEYS[5]})
return {DONE, 0, amount, best.delay, grant.key, grant.project, grant.team}
