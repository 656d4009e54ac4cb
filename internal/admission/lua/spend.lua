-- Raises what a batch has spent, in all and through one key, to what its results
-- log says.
--
-- KEYS  1 key CU  2 batch CU
-- ARGV  1 key  2 spent by the batch  3 spent by the batch through the key
-- Returns  {DONE}
-- Invariant: done once for each batch and key in a life of this Redis, so that a
-- result that is in the log and not yet settled is not counted twice.

if redis.call('HSETNX', KEYS[2], 'seeded:' .. ARGV[1], 1) == 0 then
  return {DONE}
end
local known = redis.call('HMGET', KEYS[2], 'spent', 'via:' .. ARGV[1])
if tonumber(ARGV[2]) > number(known[1]) then
  redis.call('HSET', KEYS[2], 'spent', ARGV[2])
end
local missing = tonumber(ARGV[3]) - number(known[2])
if missing > 0 then
  redis.call('HSET', KEYS[2], 'via:' .. ARGV[1], ARGV[3])
  redis.call('HINCRBY', KEYS[1], 'spent', int(missing))
end
return {DONE}
