-- Put in front of scripts that are given limits: reads the block of one scope.

local BLOCK = 12 -- numbers of one scope in ARGV

local function limits_at(i)
  return {
    requests = tonumber(ARGV[i]), submits = tonumber(ARGV[i + 1]), parallel = tonumber(ARGV[i + 2]), -- 0 = none
    total_cap = tonumber(ARGV[i + 3]), day_cap = tonumber(ARGV[i + 4]), month_cap = tonumber(ARGV[i + 5]), -- -1 = none
    day1 = tonumber(ARGV[i + 6]), day2 = tonumber(ARGV[i + 7]), day3 = tonumber(ARGV[i + 8]),
    month1 = tonumber(ARGV[i + 9]), month2 = tonumber(ARGV[i + 10]), month3 = tonumber(ARGV[i + 11]),
  }
end

-- learned returns how many jobs of a team may run by what the provider said, 0 if
-- it said nothing, when one more may be tried, and how long after that the next.
local function learned(key)
  local l = redis.call('HMGET', key, 'limit', 'probe', 'every')
  return number(l[1]), number(l[2]), number(l[3])
end

-- lower returns the lower of the learned and the configured number of running
-- jobs, 0 if neither is known.
local function lower(known, configured)
  if configured > 0 and (known == 0 or configured < known) then
    return configured
  end
  return known
end
