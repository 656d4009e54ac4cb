-- Put in front of scripts that change grants.
--
-- The hash of a live grant holds state, amount, charged, the time for which its CU
-- will count, and its names, the field of each being the kind of the scope; that of
-- a finished one holds only its state, for a time. The batch is in its owner's name.
-- Invariant: reserved CU of a scope are the sum of its live grants' amounts, the
-- slots of a scope are its grants that are held, and every change of an amount is an
-- entry of the batch's journal.

local HELD, FREED, FINAL, RELEASED = 1, 2, 3, 4

local function read_grant(key, journal, owner)
  local grant = {key = key, journal = journal, owner = owner, state = 0, names = {}}
  local flat = redis.call('HGETALL', key)
  for i = 1, #flat, 2 do
    if COUNTED[flat[i]] then
      grant.names[flat[i]] = flat[i + 1]
    else
      grant[flat[i]] = tonumber(flat[i + 1])
    end
  end
  return grant
end

local function live(grant)
  return grant.state == HELD or grant.state == FREED
end

-- flatten adds the names of a grant to a list, each behind its kind.
local function flatten(grant, list)
  for kind, name in pairs(grant.names) do
    list[#list + 1] = kind
    list[#list + 1] = name
  end
  return list
end

-- give_back gives back the slots of a grant.
local function give_back(grant, scopes)
  for _, scope in ipairs(scopes) do
    if scope.slots then
      redis.call('SREM', scope.slots, grant.owner)
    end
  end
end

-- book adds an amount, which is negative where it is given back, to what the scopes
-- of a grant have reserved. Every movement of CU passes here, and is noted.
local function book(grant, scopes, amount, event, billed, refunded)
  for _, scope in ipairs(scopes) do
    redis.call('HINCRBY', scope.cu, 'reserved', int(amount))
  end
  redis.call('XADD', grant.journal, '*', unpack(flatten(grant, {
    'life', ask.life, 'event', event, 'owner', grant.owner, 'reserved', int(grant.amount),
    'billed', int(billed or 0), 'refunded', int(refunded or 0), 'charged', int(grant.charged),
  })))
end

-- hold_grant makes a grant and takes its slots and CU.
local function hold_grant(grant, scopes, event)
  redis.call('DEL', grant.key) -- the marker of a released one
  for _, scope in ipairs(scopes) do
    if scope.kind ~= 'batch' then
      grant.names[scope.kind] = scope.name
    end
    if scope.slots then
      redis.call('SADD', scope.slots, grant.owner)
    end
  end
  redis.call('HSET', grant.key,
    unpack(flatten(grant, {'state', HELD, 'amount', int(grant.amount), 'charged', int(grant.charged)})))
  book(grant, scopes, grant.amount, event)
end

-- end_grant gives the slots and CU of a grant back and leaves a marker.
local function end_grant(grant, scopes, state, event, billed, refunded)
  give_back(grant, scopes)
  redis.call('DEL', grant.key)
  redis.call('HSET', grant.key, 'state', state)
  redis.call('PEXPIRE', grant.key, ask.kept)
  book(grant, scopes, -grant.amount, event, billed, refunded)
end

-- counted_in reports whether a grant is counted in these scopes and no others.
local function counted_in(grant, scopes)
  local same, names = 0, 0
  for _, scope in ipairs(scopes) do
    if scope.kind == 'batch' or grant.names[scope.kind] == scope.name then
      same = same + 1
    end
  end
  for _ in pairs(grant.names) do
    names = names + 1
  end
  return same == #scopes and names == same - 1
end

-- The scripts that change grants are asked for {life, kept, grants}: kept is how many
-- ms a marker stays, and grants a list of {owner, scopes, and what the script says},
-- with the batch among the scopes.
--
-- KEYS  1 life  then for each of grants  grant, journal and those of its scopes
-- Returns  {LOST}, or {DONE} and for each of grants
--   {DONE}, {NO_GRANT} or {ELSEWHERE, kind, name, ...}: not changed, since it is
--   counted in other scopes than it was asked for with

-- change_each calls change with each grant and with what is asked of it; what that
-- returns is the answer, {DONE} if it is nil.
local function change_each(change)
  if lost(KEYS[1], ask.life) then
    return {LOST}
  end
  local answer, at = {DONE}, 2
  for i, asked in ipairs(ask.grants) do
    local grant = read_grant(KEYS[at], KEYS[at + 1], asked.owner)
    at = bind(asked.scopes, at + 2)
    if live(grant) and not counted_in(grant, asked.scopes) then
      answer[i + 1] = flatten(grant, {ELSEWHERE})
    else
      answer[i + 1] = change(grant, asked) or {DONE}
    end
  end
  return answer
end
