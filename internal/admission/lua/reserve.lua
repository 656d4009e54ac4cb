-- Takes what one submission needs on one of several API keys: a place in the
-- request rates, slots, and CU of all scopes of the key; all of it or nothing.
--
-- KEYS  1 epoch  2 ready  3, 4 settled  5 grant  6 those of its batch that are live
--       then those of the scopes
-- ARGV  1 {epoch, owner, amount, scopes, candidates}: a candidate is the numbers of its
--       scopes, that of its API key first, each within the next
-- Returns  {DONE, again, amount, ms until it may be sent, key}, {SETTLED}, {LOST},
--   {ELSEWHERE, key}: granted before, on a key that is no candidate; or the wait of
--   the candidate that is free the soonest
-- Invariant: spent + reserved <= every cap, running <= ceiling and requests of any
-- window <= limit after every grant; an attempt is granted at most once at a time.

-- When to ask again for what another job gives back, which comes by event, and for CU
-- that only a person who raises a cap brings; and how far ahead a place in a rate is
-- given, since nobody is to hold a slot for longer.
local POLL, STUCK, AHEAD = 1000, 30 * 1000, 10 * 1000

if lost(KEYS[1], ask.epoch) or redis.call('GET', KEYS[2]) ~= ask.epoch then
  return {LOST}
end

local now, amount = now_ms(), ask.amount
bind(ask, 7)

local grant = read_grant(KEYS[5], KEYS[6], ask.owner, {KEYS[3], KEYS[4]})
if grant.state == FINAL then
  return {SETTLED}
end

-- again gives a grant that is held, and whose request nobody has sent, a place from now on
-- in exchange for the one that it had. Those of a killed process would count for a minute
-- beside the ones that its jobs need now.
local function again(numbers)
  local longest, delay, windows = nil, 0, {}
  for _, i in ipairs(numbers) do
    local scope = ask.scopes[i]
    if scope.rate then
      local paused = pause_wait(i, redis.call('GET', scope.hold), now)
      if paused and paused[REASON] == REQUEST_RATE then -- it has passed all others
        longest = longer(longest, paused)
      end
      local w = open_window(scope.rate, now)
      w.dropped = grant.placed and drop_place(w, grant.charged)
      local ms, used, limit = place_in(w, scope.limits, true)
      longest = longer(longest, rate_wait(i, AHEAD, ms, used, limit))
      delay = math.max(delay, ms)
      windows[#windows + 1] = w
    end
  end
  for _, w in ipairs(windows) do
    if not longest then
      take_place(w, true, delay)
    elseif w.dropped then
      take_place(w, true, grant.charged - now)
    end
  end
  if longest then
    return longest
  end
  redis.call('HSET', grant.key, 'placed', 1, 'charged', int(now + delay)) -- its CU count for when it is sent
  return {DONE, 1, grant.amount, delay, grant.names.key}
end

if live(grant) then
  for _, candidate in ipairs(ask.candidates) do
    if ask.scopes[candidate[1]].name == grant.names.key then
      if grant.state == HELD then
        return again(candidate)
      end
      return {DONE, 1, grant.amount, 0, grant.names.key}
    end
  end
  return {ELSEWHERE, grant.names.key}
end

-- cu_wait is the wait for CU of a scope, or nil.
local function cu_wait(i, scope)
  local a, longest = account(scope, now), nil
  for z, name in ipairs(CAPS) do
    local cap = scope.limits[name]
    if cap >= 0 and a[name] + a.reserved + amount > cap then
      local ms, endless, ends = POLL, 0, a['ends_' .. name] -- another job may give back enough
      if a[name] + amount > cap and ends and amount <= cap then
        ms = ends - now
      elseif a[name] + amount > cap then
        ms, endless = STUCK, 1
      end
      longest = longer(longest, {WAIT, CU, ms, endless, i, cap, a[name] + a.reserved, z})
    end
  end
  return longest
end

-- slot_wait is the wait for a slot of a scope, or nil.
local function slot_wait(i, scope)
  if not scope.ceiling and not (scope.slots and scope.limits.parallel) then
    return nil
  end
  local running = redis.call('SCARD', scope.slots)
  scope.most, scope.next_probe = ceiling(scope, running, now)
  if scope.most and running >= scope.most then
    return {WAIT, PARALLEL, POLL, 0, i, running, scope.most, 0}
  end
end

-- judge asks all of a scope, once however many candidates share it: scope.wait is its
-- wait or nil, scope.delay how long until there is a place in its rate.
local function judge(i, scope)
  if scope.judged then
    return
  end
  scope.judged, scope.delay = true, 0
  scope.wait = longer(longer(scope.wait, cu_wait(i, scope)), slot_wait(i, scope))
  if scope.rate then
    scope.window = open_window(scope.rate, now)
    local ms, used, limit = place_in(scope.window, scope.limits, true)
    scope.wait = longer(scope.wait, rate_wait(i, AHEAD, ms, used, limit))
    scope.delay = ms
  end
end

-- A choice is what is known of a candidate: its wait or nil, how long until it may be
-- sent with, and what its key has spent and reserved today. weigh takes into it what
-- is known of its scopes, the widest of which weighs most.
local function weigh(c)
  c.wait, c.delay = nil, 0
  for n = #c.numbers, 1, -1 do
    local scope = ask.scopes[c.numbers[n]]
    if scope.wait then
      c.wait = longer(c.wait, scope.wait)
    end
    if scope.judged and scope.delay > c.delay then
      c.delay = scope.delay
    end
  end
  return c
end

-- better reports whether a choice goes before another: one that need not wait, or the
-- least, then one that may be sent first, then one whose key has used least today.
local function better(a, b)
  if a.wait and b.wait then
    return a.wait[ENDLESS] < b.wait[ENDLESS] or a.wait[ENDLESS] == b.wait[ENDLESS] and a.wait[MS] < b.wait[MS]
  elseif a.wait or b.wait then
    return not a.wait
  end
  return a.delay < b.delay or a.delay == b.delay and a.used < b.used
end

-- Pauses and what keys have used are known of all; the rest only makes a choice worse.
-- So scopes are judged from the best choice on, until no other can be better.
local holds = {}
for i, scope in ipairs(ask.scopes) do
  holds[i] = scope.hold
end
for i, value in ipairs(redis.call('MGET', unpack(holds))) do
  ask.scopes[i].wait = value and pause_wait(i, value, now)
end
local function choice(numbers)
  return weigh({numbers = numbers, used = used_today(ask.scopes[numbers[1]], now)})
end

-- Of many keys some are compared, others for each job: which has used least is a matter of
-- evenness, and to ask it of all is what the script would spend its time on.
local SOME, count, at = 16, #ask.candidates, 0
if count > SOME then
  at = now % count
end
local choices, first = {}, nil
for n = 1, math.min(SOME, count) do
  choices[n] = choice(ask.candidates[(at + n - 1) % count + 1])
  if not first or better(choices[n], first) then
    first = choices[n]
  end
end

local best = nil
local function try(c)
  for _, i in ipairs(c.numbers) do
    judge(i, ask.scopes[i])
  end
  if not best or better(weigh(c), best) then
    best = weigh(c)
  end
end

try(first)
if best.wait or best.delay > 0 then
  for n = #choices + 1, count do
    choices[n] = choice(ask.candidates[(at + n - 1) % count + 1])
  end
  for _, c in ipairs(choices) do
    if better(weigh(c), best) then
      try(c)
    end
  end
end
if best.wait then
  return best.wait
end

local taken = {}
for n, i in ipairs(best.numbers) do
  local scope = ask.scopes[i]
  taken[n] = scope
  if scope.rate then
    take_place(scope.window, true, best.delay)
  end
  if scope.next_probe then
    redis.call('HSET', scope.ceiling, 'limit', int(scope.most), 'probe', int(scope.next_probe))
  end
end
hold_grant(grant, taken, amount, now + best.delay)
redis.call('HSET', grant.key, 'placed', 1)
return {DONE, 0, amount, best.delay, grant.names.key}
