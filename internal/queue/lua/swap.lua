-- Gives two running jobs each other's inference.
--
-- KEYS[1] record of one   KEYS[2] record of the other   KEYS[3] hash: inference id -> ref
-- ARGV[1] ref of one   ARGV[2] ref of the other   ARGV[3] inference of one   ARGV[4] inference of the other
-- Returns 1, or -1 no such record, -3 one of them does not run, or has another inference by now.
-- Invariant: one inference belongs to one job.
local one = redis.call('HMGET', KEYS[1], 'state', 'inference', 'started')
local other = redis.call('HMGET', KEYS[2], 'state', 'inference', 'started')
if not one[1] or not other[1] then
  return -1
end
if one[1] ~= 'running' or other[1] ~= 'running' or one[2] ~= ARGV[3] or other[2] ~= ARGV[4] then
  return -3
end
redis.call('HSET', KEYS[1], 'inference', other[2], 'started', other[3] or 0)
redis.call('HSET', KEYS[2], 'inference', one[2], 'started', one[3] or 0)
redis.call('HSET', KEYS[3], ARGV[4], ARGV[1], ARGV[3], ARGV[2])
redis.call('HINCRBY', KEYS[1], 'fence', 1)
redis.call('HINCRBY', KEYS[2], 'fence', 1)
return 1
