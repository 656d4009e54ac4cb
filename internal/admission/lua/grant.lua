-- Put in front of scripts that change a grant.
--
-- The hash of a live grant holds state, amount, key, project and team; that of a
-- finished one only its state, for a time.
-- Invariant: reserved CU of a key and a batch are the sum of their live grants'
-- amounts, and the slots of a team are its grants that are held.

local HELD, FREED, FINAL, RELEASED = 1, 2, 3, 4

local function read_grant(key)
  local f = redis.call('HMGET', key, 'state', 'amount', 'key', 'project', 'team')
  return {state = number(f[1]), amount = number(f[2]), key = f[3], project = f[4], team = f[5]}
end

local function live(grant)
  return grant.state == HELD or grant.state == FREED
end

-- hold_grant writes a new grant and takes its slot and CU.
-- Of ARGV it reads 1 owner, 2 key, 3 project, 4 team.
local function hold_grant(grant_key, slots, key_cu, batch_cu, amount)
  redis.call('DEL', grant_key) -- the marker of a released one
  redis.call('HSET', grant_key, 'state', HELD, 'amount', int(amount),
    'key', ARGV[2], 'project', ARGV[3], 'team', ARGV[4])
  redis.call('SADD', slots, ARGV[1])
  redis.call('HINCRBY', key_cu, 'reserved', int(amount))
  redis.call('HINCRBY', batch_cu, 'reserved', int(amount))
end

-- elsewhere returns the answer for a grant that is counted in another key or team
-- than those in ARGV 2 and 4, or nil.
local function elsewhere(grant)
  if grant.key ~= ARGV[2] or grant.team ~= ARGV[4] then
    return {OTHER_SCOPE, grant.key, grant.project, grant.team}
  end
  return nil
end

-- end_grant gives a live grant's slot and reservation back and leaves a marker.
local function end_grant(grant_key, slots, key_cu, batch_cu, grant, state, ttl)
  redis.call('SREM', slots, ARGV[1])
  redis.call('HINCRBY', key_cu, 'reserved', int(-grant.amount))
  redis.call('HINCRBY', batch_cu, 'reserved', int(-grant.amount))
  redis.call('DEL', grant_key)
  redis.call('HSET', grant_key, 'state', state)
  redis.call('PEXPIRE', grant_key, ttl)
end
