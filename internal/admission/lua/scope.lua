-- Put in front of scripts that count in scopes.
--
-- A scope is what limits are set for: a key, a project, a team, a batch. ARGV[1] is
-- what is asked, as JSON. Its scopes are lists of their kinds, names and numbers of
-- ask.limits, since most scopes have the same:
--   {requests, reads, parallel, total, day, month, days, months}
-- What is not there, or a cap of -1, is no limit. Reads is the most of requests that is
-- kept for reads; total, day and month are caps of CU; days and months are numbers of
-- ask.periods. A further kind of scope is an entry here and in scope.go.

-- COUNTED is what is counted of each kind, in the order of its keys in KEYS:
-- requests, running jobs, how many of these the provider allows, CU, and whether all
-- of it pauses.
local COUNTED = {
  key = {'rate', 'slots', 'cu', 'hold'},
  project = {'rate', 'cu', 'hold'},
  team = {'slots', 'ceiling', 'cu', 'hold'},
  batch = {'cu', 'hold'},
}

local ask = cjson.decode(ARGV[1])

-- bind makes of the scopes that are asked for a list, each with its limits and its keys,
-- by what they count, beginning with one of KEYS, and returns which comes behind them.
local function bind(asked, at)
  local scopes = {}
  for i, kind in ipairs(asked.scopes.kinds) do
    local scope = {kind = kind, name = asked.scopes.names[i], limits = ask.limits and ask.limits[asked.scopes.limits[i]]}
    for _, what in ipairs(COUNTED[kind]) do
      scope[what] = KEYS[at]
      at = at + 1
    end
    scopes[i] = scope
  end
  asked.scopes = scopes
  return at
end

-- ceiling returns how many jobs of a scope may run, nil if that is not known. When
-- as many run as were learned from the provider and the time has come, one more may
-- be tried; then it returns too when the next may.
local function ceiling(scope, running, now)
  local learned = scope.ceiling and redis.call('HMGET', scope.ceiling, 'limit', 'probe', 'every') or {}
  local known = number(learned[1])
  if known == 0 or scope.limits.parallel and scope.limits.parallel <= known then
    return scope.limits.parallel
  end
  if running == known and now >= number(learned[2]) then
    return known + 1, now + number(learned[3])
  end
  return known
end
