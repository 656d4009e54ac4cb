-- Ends a job: its record and its collect task go, one bit says that it is over.
--
-- KEYS[1] record   KEYS[2] counts   KEYS[3] hash: inference id -> ref   KEYS[4] bitmap of finished jobs
-- KEYS[5..9] index sets of the states queued, sending, running, unknown, storing
-- KEYS[10] collect task   KEYS[11..12] lists of the pending and the active tasks
-- KEYS[13..15] sorted sets of the leases of the active, the scheduled, those to be retried
-- ARGV[1] ref   ARGV[2] final state   ARGV[3] images stored   ARGV[4] place in the plan
-- ARGV[5] fence, or 0 for any   ARGV[6] how sets of claimed jobs begin   ARGV[7] task id
-- Returns 1, or 0 if the job was over already (a repeat), or -2 wrong fence.
-- Invariant: the counts of a batch add up to the jobs added. The inference id stays in
-- the set of our own, so that a lost reply of an equal job never adopts it.
local known = redis.call('HMGET', KEYS[1], 'state', 'fence', 'inference', 'owner', 'index', 'quote')
local was = known[1]
if not was then
  if redis.call('SETBIT', KEYS[4], ARGV[4], 1) == 1 then
    return 0
  end
  redis.call('HINCRBY', KEYS[2], ARGV[2], 1)
  redis.call('HINCRBY', KEYS[2], 'images', ARGV[3])
  return 1
end
if ARGV[5] ~= '0' and known[2] ~= ARGV[5] then
  return -2
end
local sets = {queued = 5, sending = 6, running = 7, unknown = 8, storing = 9}
if known[3] then
  redis.call('HDEL', KEYS[3], known[3])
end
if known[4] then
  redis.call('SREM', ARGV[6] .. known[4], ARGV[1])
end
redis.call('SETBIT', KEYS[4], known[5], 1)
redis.call('ZREM', KEYS[sets[was]], ARGV[1])
redis.call('HINCRBY', KEYS[2], was, -1)
redis.call('HINCRBY', KEYS[2], ARGV[2], 1)
redis.call('HINCRBY', KEYS[2], 'images', ARGV[3])
if was == 'queued' then
  redis.call('HINCRBY', KEYS[2], 'quoted', '-' .. (known[6] or 0))
end
redis.call('DEL', KEYS[1])
local task = redis.call('HGET', KEYS[10], 'state')
if task == 'active' then
  redis.call('LREM', KEYS[12], 0, ARGV[7])
  redis.call('ZREM', KEYS[13], ARGV[7])
elseif task == 'pending' then
  redis.call('LREM', KEYS[11], 0, ARGV[7])
elseif task == 'scheduled' or task == 'retry' then
  redis.call('ZREM', task == 'retry' and KEYS[15] or KEYS[14], ARGV[7])
end
if task and task ~= 'archived' then
  redis.call('DEL', KEYS[10])
end
return 1
