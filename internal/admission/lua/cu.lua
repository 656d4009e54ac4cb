-- Put in front of scripts that count CU: the account of a scope.
--
-- The hash holds reserved and spent; q:<n>, what was spent in the n-th quarter of
-- an hour; since:<ms>, what was spent from that time on, for the starts of periods
-- that were asked for; and starts, the list of these times.
-- Invariant: spent is the sum of all that was settled, and since:<ms> that of what
-- was settled for a time not before it. Any period can be asked for at any time,
-- so that another time zone takes effect with what was spent already.

local QUARTER = 15 * 60 * 1000
local KEPT = 70 * 24 * 60 * 60 * 1000 -- longer than any period
local MOST_STARTS = 8

-- spent_since sums up what was spent from a quarter hour on, and remembers it.
local function spent_since(key, start, now)
  local sum, starts = 0, {start}
  local flat = redis.call('HGETALL', key)
  for i = 1, #flat, 2 do
    local quarter = tonumber(string.match(flat[i], '^q:(%d+)$') or -1)
    if quarter >= 0 then
      if (quarter + 1) * QUARTER > start then -- in doubt a quarter counts whole
        sum = sum + tonumber(flat[i + 1])
      elseif quarter * QUARTER < now - KEPT then
        redis.call('HDEL', key, flat[i])
      end
    end
    local other = tonumber(string.match(flat[i], '^since:(%d+)$') or start)
    if other ~= start then
      starts[#starts + 1] = other
    end
  end
  table.sort(starts, function(a, b) return a > b end)
  local kept = {}
  for i, at in ipairs(starts) do
    if i <= MOST_STARTS or at == start then
      kept[#kept + 1] = int(at)
    else
      redis.call('HDEL', key, 'since:' .. int(at))
    end
  end
  redis.call('HSET', key, 'since:' .. int(start), int(sum), 'starts', table.concat(kept, ' '))
  return sum
end

-- spend counts what was settled for a time.
local function spend(key, amount, at)
  redis.call('HINCRBY', key, 'spent', int(amount))
  redis.call('HINCRBY', key, 'q:' .. int(math.floor(at / QUARTER)), int(amount))
  for start in string.gmatch(redis.call('HGET', key, 'starts') or '', '%d+') do
    if at >= tonumber(start) then
      redis.call('HINCRBY', key, 'since:' .. start, int(amount))
    end
  end
end

-- period finds, once, the start of the one that holds now and of the next, of three
-- starts in order. A caller whose clock is off by more than a period gets one of the same
-- length, since one that lies ahead would have nothing spent in it.
local function period(i, now)
  local p = ask.periods[i]
  if not p.start then
    p.start, p.ends = p[1], p[2]
    if now < p.start or now >= p.ends then
      local length = p[3] - p[2]
      p.start = p[2] + math.floor((now - p[2]) / length) * length
      p.ends = p.start + length
    end
    p.field = 'since:' .. int(p.start)
  end
  return p
end

-- account reads, once, what a scope has reserved and spent, in all, this day and this
-- month, and when these end.
local function account(scope, now)
  if not scope.account then
    local day, month = period(scope.limits.days, now), period(scope.limits.months, now)
    local f = redis.call('HMGET', scope.cu, 'reserved', 'spent', day.field, month.field)
    scope.account = {
      reserved = number(f[1]), total = number(f[2]), ends_day = day.ends, ends_month = month.ends,
      day = number(f[3] or f[2] and spent_since(scope.cu, day.start, now)),
      month = number(f[4] or f[2] and spent_since(scope.cu, month.start, now)),
    }
  end
  return scope.account
end

-- used_today returns what a scope has reserved and spent this day.
local function used_today(scope, now)
  local f = redis.call('HMGET', scope.cu, 'reserved', 'spent', period(scope.limits.days, now).field)
  return number(f[1]) + number(f[3] or f[2] and account(scope, now).day)
end
