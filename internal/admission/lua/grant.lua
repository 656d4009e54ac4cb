-- Put in front of scripts that change grants.
--
-- The hash of a live grant holds state, amount, charged, the time for which its CU
-- will count, and its names, the field of each being the kind of the scope; that of
-- a finished one holds only its state, for a time. The batch is in its owner's name.
-- Invariant: reserved CU of a scope are the sum of its live grants' amounts, the
-- slots of a scope are its grants that are held, and the live grants of a batch are in
-- its set.

local HELD, FREED, FINAL, RELEASED = 1, 2, 3, 4

-- A finished grant is remembered for far longer than a recovered task or a slow retry
-- takes to come back.
local KEPT_MARKER = 60 * 60 * 1000

local function read_grant(key, live, owner)
  local grant = {key = key, live = live, owner = owner, state = 0, names = {}}
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

-- names_of are the names of scopes by their kind; the batch is in the owner's name.
local function names_of(scopes)
  local names = {}
  for _, scope in ipairs(scopes) do
    names[scope.kind] = scope.name
  end
  names.batch = nil
  return names
end

-- flatten adds the names of a grant to a list, each behind its kind.
local function flatten(grant, list)
  for kind, name in pairs(grant.names) do
    list[#list + 1] = kind
    list[#list + 1] = name
  end
  return list
end

-- change_slots takes (SADD) or gives back (SREM) the slots of a grant.
local function change_slots(command, grant, scopes)
  for _, scope in ipairs(scopes) do
    if scope.slots then
      redis.call(command, scope.slots, grant.owner)
    end
  end
end

-- book adds an amount, negative where it is given back, to what scopes have reserved.
local function book(scopes, amount)
  for _, scope in ipairs(scopes) do
    redis.call('HINCRBY', scope.cu, 'reserved', int(amount))
  end
end

-- hold_grant makes a grant and takes its slots and CU.
local function hold_grant(grant, scopes, amount, charged)
  grant.names, grant.amount, grant.charged = names_of(scopes), amount, charged
  redis.call('DEL', grant.key) -- the marker of a released one
  redis.call('HSET', grant.key, unpack(flatten(grant, {'state', HELD, 'amount', int(amount), 'charged', int(charged)})))
  redis.call('SADD', grant.live, grant.owner)
  change_slots('SADD', grant, scopes)
  book(scopes, amount)
end

-- end_grant gives the slots and CU of a grant back and leaves a marker.
local function end_grant(grant, scopes, state)
  change_slots('SREM', grant, scopes)
  redis.call('DEL', grant.key)
  redis.call('HSET', grant.key, 'state', state)
  redis.call('PEXPIRE', grant.key, KEPT_MARKER)
  redis.call('SREM', grant.live, grant.owner)
  book(scopes, -grant.amount)
end
