-- Put in front of scripts that change grants.
--
-- The hash of a live grant holds state, amount, charged, the time for which its CU
-- will count, placed where it has a place in the request rate for that time, and its names, the field of each being the kind of the scope. The batch is
-- in its owner's name. A grant that is over has none; the owners of settled ones are
-- fields of two hashes, one for even hours of Redis' clock and one for odd ones.
-- Invariant: reserved CU of a scope are the sum of its live grants' amounts, the
-- slots of a scope are its grants that are held, and the live grants of a batch are in
-- its set.

local HELD, FREED, FINAL = 1, 2, 3

-- A settled grant is remembered until the next hour is over, for far longer than a
-- recovered task or a slow retry takes to come back.
local HOUR = 60 * 60 * 1000

-- remember notes the owner of a settled grant. What was noted two hours before goes, all
-- of it at once, so that no settled job costs a key and an expiry of its own.
local function remember(settled, owner)
  local hour = math.floor(now_ms() / HOUR)
  local key = settled[hour % 2 + 1]
  if number(redis.call('HGET', key, 'hour')) < hour then -- no owner is called that
    redis.call('UNLINK', key)
    redis.call('HSET', key, 'hour', int(hour))
  end
  redis.call('HSET', key, owner, 1)
  redis.call('PEXPIRE', key, int(2 * HOUR))
end

local function remembered(settled, owner)
  return redis.call('HEXISTS', settled[1], owner) + redis.call('HEXISTS', settled[2], owner) > 0
end

local function read_grant(key, live, owner, settled)
  local grant = {key = key, live = live, owner = owner, settled = settled, state = 0, names = {}}
  local flat = redis.call('HGETALL', key)
  if #flat == 0 and remembered(settled, owner) then
    grant.state = FINAL
  end
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
  redis.call('HSET', grant.key, unpack(flatten(grant, {'state', HELD, 'amount', int(amount), 'charged', int(charged)})))
  redis.call('SADD', grant.live, grant.owner)
  change_slots('SADD', grant, scopes)
  book(scopes, amount)
end

-- end_grant gives the slots and CU of a grant back.
local function end_grant(grant, scopes)
  change_slots('SREM', grant, scopes)
  redis.call('DEL', grant.key)
  redis.call('SREM', grant.live, grant.owner)
  book(scopes, -grant.amount)
end
