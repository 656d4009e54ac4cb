-- Changes grants, or counts what was spent before there were any.
--
-- KEYS  1 epoch  2, 3 settled  then for each grant  grant, those of its batch that are
--       live, and those of its scopes
-- ARGV  1 {epoch, change, grants}: a grant is {owner, scopes, amount, charged (ms; 0 = now),
--       billed, refunded}
-- Returns  {LOST}, or {DONE} and for each grant {DONE}, {NO_GRANT} or
--   {ELSEWHERE, kind, name, ...}: not changed, it is counted in these scopes
-- Invariant: a repeat changes nothing; only a grant's own slots and CU are given back.

local CHANGES = {}

-- A run that exists already is counted whatever the caps say, once.
function CHANGES.adopt(grant, asked)
  if not live(grant) and grant.state ~= FINAL then
    hold_grant(grant, asked.scopes, asked.amount, asked.charged > 0 and asked.charged or now_ms())
  end
end

-- A run that ended gives its slots back; its CU stay reserved.
function CHANGES.free(grant, asked)
  if grant.state == HELD then
    change_slots('SREM', grant, asked.scopes)
    redis.call('HSET', grant.key, 'state', FREED)
  end
end

-- A reservation becomes spend, for the time at which it was made: by then the provider
-- counts it.
function CHANGES.settle(grant, asked)
  if live(grant) then
    end_grant(grant, asked.scopes)
    remember(grant.settled, grant.owner)
    for _, scope in ipairs(asked.scopes) do
      spend(scope.cu, asked.billed - asked.refunded, grant.charged)
    end
  elseif grant.state ~= FINAL then
    return NO_GRANT
  end
end

-- A request that cost nothing gives everything back.
function CHANGES.release(grant, asked)
  if live(grant) then
    end_grant(grant, asked.scopes)
  end
end

-- What was spent before this epoch is told once for each time, and is of no grant.
function CHANGES.seed(_, asked)
  for _, scope in ipairs(asked.scopes) do
    spend(scope.cu, asked.billed, asked.charged)
  end
end

-- counted_in reports whether a grant is counted in these scopes and no others.
local function counted_in(grant, scopes)
  local names = names_of(scopes)
  for kind in pairs(COUNTED) do
    if names[kind] ~= grant.names[kind] then
      return false
    end
  end
  return true
end

if lost(KEYS[1], ask.epoch) then
  return {LOST}
end
local answer, at = {DONE}, 4
for i, asked in ipairs(ask.grants) do
  local grant = read_grant(KEYS[at], KEYS[at + 1], asked.owner, {KEYS[2], KEYS[3]})
  at = bind(asked, at + 2)
  if live(grant) and not counted_in(grant, asked.scopes) then
    answer[i + 1] = flatten(grant, {ELSEWHERE})
  else
    answer[i + 1] = {CHANGES[ask.change](grant, asked) or DONE}
  end
end
return answer
