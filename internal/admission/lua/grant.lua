-- Put in front of scripts that change grants.
--
-- The hash of a live grant holds state, amount, charged, the time for which its CU
-- will count, and its names, the field of each being the kind of the scope; that of
-- a finished one holds only its state, for a time. The batch is in its owner's name.
-- Invariant: reserved CU of a scope are the sum of its live grants' amounts, the
-- slots of a scope are its grants that are held, and every change of an amount is an
-- entry of the batch's journal.

local HELD, FREED, FINAL, RELEASED = 1, 2, 3, 4

-- A finished grant is remembered for far longer than a recovered task or a slow retry
-- takes to come back.
local KEPT_MARKER = 60 * 60 * 1000

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
-- Every movement of CU passes here, and is noted in the journal.
local function book(grant, scopes, amount, event, billed, refunded)
  for _, scope in ipairs(scopes) do
    redis.call('HINCRBY', scope.cu, 'reserved', int(amount))
  end
  redis.call('XADD', grant.journal, '*', unpack(flatten(grant, {
    'life', ask.life, 'event', event, 'owner', grant.owner, 'reserved', int(grant.amount),
    'billed', int(billed), 'refunded', int(refunded), 'charged', int(grant.charged),
  })))
end

-- hold_grant makes a grant and takes its slots and CU.
local function hold_grant(grant, scopes, event, amount, charged)
  grant.names, grant.amount, grant.charged = names_of(scopes), amount, charged
  redis.call('DEL', grant.key) -- the marker of a released one
  redis.call('HSET', grant.key, unpack(flatten(grant, {'state', HELD, 'amount', int(amount), 'charged', int(charged)})))
  change_slots('SADD', grant, scopes)
  book(grant, scopes, amount, event, 0, 0)
end

-- end_grant gives the slots and CU of a grant back and leaves a marker.
local function end_grant(grant, scopes, state, event, billed, refunded)
  change_slots('SREM', grant, scopes)
  redis.call('DEL', grant.key)
  redis.call('HSET', grant.key, 'state', state)
  redis.call('PEXPIRE', grant.key, KEPT_MARKER)
  book(grant, scopes, -grant.amount, event, billed, refunded)
end
