-- Ends a job: its record goes, one bit says that it is over.
--
-- KEYS[1] record   KEYS[2] counts   KEYS[3] hash: inference id -> ref   KEYS[5] bitmap of finished jobs
-- KEYS[6..10] index sets of the states queued, sending, running, unknown, storing
-- ARGV[1] ref   ARGV[2] final state   ARGV[3] images stored   ARGV[4] place in the plan
-- ARGV[5] fence, or 0 for any   ARGV[6] how sets of claimed jobs begin
-- Returns 1, or 0 if the job was over already (a repeat), or -2 wrong fence.
-- Invariant: the counts of a batch add up to the jobs added. The inference id stays in
-- the set of our own, so that a lost reply of an equal job never adopts it.
local was = redis.call('HGET', KEYS[1], 'state')
if not was then
  if redis.call('SETBIT', KEYS[5], ARGV[4], 1) == 1 then
    return 0
  end
  redis.call('HINCRBY', KEYS[2], ARGV[2], 1)
  redis.call('HINCRBY', KEYS[2], 'images', ARGV[3])
  return 1
end
if ARGV[5] ~= '0' and redis.call('HGET', KEYS[1], 'fence') ~= ARGV[5] then
  return -2
end
local sets = {queued = 6, sending = 7, running = 8, unknown = 9, storing = 10}
local inference = redis.call('HGET', KEYS[1], 'inference')
if inference then
  redis.call('HDEL', KEYS[3], inference)
end
local owner = redis.call('HGET', KEYS[1], 'owner')
if owner then
  redis.call('SREM', ARGV[6] .. owner, ARGV[1])
end
redis.call('SETBIT', KEYS[5], redis.call('HGET', KEYS[1], 'index'), 1)
redis.call('ZREM', KEYS[sets[was]], ARGV[1])
redis.call('HINCRBY', KEYS[2], was, -1)
redis.call('HINCRBY', KEYS[2], ARGV[2], 1)
redis.call('HINCRBY', KEYS[2], 'images', ARGV[3])
redis.call('DEL', KEYS[1])
return 1
