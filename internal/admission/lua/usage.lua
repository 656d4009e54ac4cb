-- Tells what an API key uses, for people to see.
--
-- KEYS  1 key rate  2 key slots  3 key CU  4 key hold  5 project rate  6 project CU
--       7 project hold  8 team slots  9 team ceiling  10 team CU  11 team hold  12 batch CU
-- ARGV  1 bucket ms  2 buckets  then the limits of key, project, team and batch, as
--       in limits.lua
-- Returns  for key and project: requests left (-1 = no limit); for key and team: running,
--   most (0 = not known); for key, project, team: end of the hold in ms (0 = none), its
--   reason; for key, project, team, batch: reserved, then spent in total, day, month and
--   the ends of day and month in ms
-- Invariant: changes nothing but what has left the window anyway, and remembers a sum
--   that was asked for.

local now = now_ms()
local limits = {limits_at(3), limits_at(3 + BLOCK), limits_at(3 + 2 * BLOCK), limits_at(3 + 3 * BLOCK)}
local answer = {}
local function add(n)
  answer[#answer + 1] = n
end

for i, key in ipairs({KEYS[1], KEYS[5]}) do
  local window = open_window(key, now, tonumber(ARGV[1]), tonumber(ARGV[2]))
  local limit = limits[i].requests
  if limit > 0 then
    add(math.max(0, limit - fullest(window)))
  else
    add(-1)
  end
end
add(redis.call('SCARD', KEYS[2]))
add(limits[1].parallel)
add(redis.call('SCARD', KEYS[8]))
add(lower(learned(KEYS[9]), limits[3].parallel))
for _, key in ipairs({KEYS[4], KEYS[7], KEYS[11]}) do
  local till, reason = hold(key)
  if till <= now then
    till, reason = 0, 0
  end
  add(till)
  add(reason)
end
for i, key in ipairs({KEYS[3], KEYS[6], KEYS[10], KEYS[12]}) do
  local l = limits[i]
  local totals = redis.call('HMGET', key, 'spent', 'reserved')
  local day, next_day = period(l.day1, l.day2, l.day3, now)
  local month, next_month = period(l.month1, l.month2, l.month3, now)
  add(number(totals[2]))
  add(number(totals[1]))
  add(spent_since(key, day, now))
  add(spent_since(key, month, now))
  add(next_day)
  add(next_month)
end
return answer
