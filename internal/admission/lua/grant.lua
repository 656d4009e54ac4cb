-- Put in front of scripts that change a grant.
--
-- The hash of a live grant holds state, amount, the account (key, project, team)
-- and charged, the time for which its CU will count; that of a finished one only
-- its state, for a time.
-- Invariant: reserved CU of a scope are the sum of its live grants' amounts, the
-- slots of a key and of a team are their grants that are held, and every change
-- of an amount is an entry of the batch's journal.

local HELD, FREED, FINAL, RELEASED = 1, 2, 3, 4

local function read_grant(key)
  local f = redis.call('HMGET', key, 'state', 'amount', 'key', 'project', 'team', 'charged')
  return {state = number(f[1]), amount = number(f[2]), key = f[3], project = f[4], team = f[5], charged = number(f[6])}
end

local function live(grant)
  return grant.state == HELD or grant.state == FREED
end

-- note appends an entry to the journal; the amounts are those of job.Entry. The
-- token of the life is the first argument of every script that changes a grant.
local function note(journal, event, owner, grant, reserved, billed, refunded)
  redis.call('XADD', journal, '*', 'life', ARGV[1], 'event', event, 'owner', owner,
    'key', grant.key, 'project', grant.project, 'team', grant.team,
    'reserved', int(reserved), 'billed', int(billed), 'refunded', int(refunded), 'charged', int(grant.charged))
end

-- hold_grant writes a new grant and takes its slots and CU.
local function hold_grant(grant_key, journal, event, owner, grant, slots, accounts)
  redis.call('DEL', grant_key) -- the marker of a released one
  redis.call('HSET', grant_key, 'state', HELD, 'amount', int(grant.amount),
    'key', grant.key, 'project', grant.project, 'team', grant.team, 'charged', int(grant.charged))
  for _, key in ipairs(slots) do
    redis.call('SADD', key, owner)
  end
  for _, key in ipairs(accounts) do
    redis.call('HINCRBY', key, 'reserved', int(grant.amount))
  end
  note(journal, event, owner, grant, grant.amount, 0, 0)
end

-- The scripts that change one grant have the same first keys and arguments:
--
-- KEYS  1 life  2 grant  3 journal  4 key slots  5 team slots  6 key CU  7 project CU
--       8 team CU  9 batch CU
-- ARGV  1 token of the life  2 owner  3 key  4 project  5 team

local function slots_of_keys()
  return {KEYS[4], KEYS[5]}
end

local function accounts_of_keys()
  return {KEYS[6], KEYS[7], KEYS[8], KEYS[9]}
end

-- elsewhere returns the answer for a grant that is counted in another account than
-- that of ARGV, or nil.
local function elsewhere(grant)
  if grant.key ~= ARGV[3] or grant.project ~= ARGV[4] or grant.team ~= ARGV[5] then
    return {OTHER_ACCOUNT, grant.key, grant.project, grant.team}
  end
  return nil
end

-- end_grant gives a live grant's slots and reservation back and leaves a marker.
local function end_grant(grant, state, ttl)
  for _, key in ipairs(slots_of_keys()) do
    redis.call('SREM', key, ARGV[2])
  end
  for _, key in ipairs(accounts_of_keys()) do
    redis.call('HINCRBY', key, 'reserved', int(-grant.amount))
  end
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[2], 'state', state)
  redis.call('PEXPIRE', KEYS[2], ttl)
end
