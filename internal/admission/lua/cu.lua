-- Put in front of scripts that count CU: the account of a key, project, team or
-- batch.
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

-- spent_since returns what was spent from a quarter hour on.
local function spent_since(key, start, now)
  local field = 'since:' .. int(start)
  local known = redis.call('HGET', key, field)
  if known then
    return tonumber(known)
  end
  local sum, starts = 0, {start}
  local flat = redis.call('HGETALL', key)
  if #flat == 0 then
    return 0 -- looking at an account does not make one
  end
  for i = 1, #flat, 2 do
    local quarter = tonumber(string.match(flat[i], '^q:(%d+)$') or -1)
    if quarter >= 0 then
      if (quarter + 1) * QUARTER > start then -- in doubt a quarter counts whole
        sum = sum + tonumber(flat[i + 1])
      elseif quarter * QUARTER < now - KEPT then
        redis.call('HDEL', key, flat[i])
      end
    end
    local other = string.match(flat[i], '^since:(%d+)$')
    if other then
      starts[#starts + 1] = tonumber(other)
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
  redis.call('HSET', key, field, int(sum), 'starts', table.concat(kept, ' '))
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

-- period returns the start of the one that holds now and of the next, of three
-- starts in order. A caller whose clock is off by more than a period gets one of
-- the same length, since one that lies ahead would have nothing spent in it.
local function period(first, second, third, now)
  if now >= first and now < second then
    return first, second
  end
  local length = third - second
  local start = second + math.floor((now - second) / length) * length
  return start, start + length
end

-- account reads what a scope has spent and reserved, and the caps in force there.
local function account(key, l, now)
  local totals = redis.call('HMGET', key, 'spent', 'reserved')
  local day, next_day = period(l.day1, l.day2, l.day3, now)
  local month, next_month = period(l.month1, l.month2, l.month3, now)
  local a = {reserved = number(totals[2]), total = number(totals[1]), day = 0, month = 0}
  if l.day_cap >= 0 or l.watch_day then
    a.day = spent_since(key, day, now)
  end
  if l.month_cap >= 0 then
    a.month = spent_since(key, month, now)
  end
  a.caps = {
    {cap = l.total_cap, spent = a.total, resets = 0},
    {cap = l.day_cap, spent = a.day, resets = next_day},
    {cap = l.month_cap, spent = a.month, resets = next_month},
  }
  return a
end
