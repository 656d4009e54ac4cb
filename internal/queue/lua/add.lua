-- Adds the record of a job that is to be run.
--
-- KEYS[1] record   KEYS[2] counts   KEYS[5] bitmap of finished jobs
-- KEYS[6..10] index sets of the states queued, sending, running, unknown, storing
-- ARGV[1] ref   ARGV[2] place in the plan   ARGV[3] spec   ARGV[4] priority   ARGV[5] attempt
-- ARGV[6] order, '' for none
-- Returns 1 if it was added, 0 if it is there already, -1 if the job is over, or if the
-- batch is not worked on for this order: who feeds may have stood still, and not know it.
-- Invariant: a live record is in the index set of its state and in no other. Fences begin at
-- the time in microseconds, so that a handler of before Redis was emptied never has that of a
-- record that was made again.
if (redis.call('HGET', KEYS[2], 'order') or '') ~= ARGV[6] or redis.call('GETBIT', KEYS[5], ARGV[2]) == 1 then
  return -1
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
local now = redis.call('TIME')
local ms = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000))
local fence = string.format('%.0f', now[1] * 1000000 + now[2])
redis.call('HSET', KEYS[1], 'spec', ARGV[3], 'state', 'queued', 'fence', fence, 'attempt', ARGV[5], 'generation', 1,
  'index', ARGV[2], 'priority', ARGV[4], 'since', ms)
redis.call('ZADD', KEYS[6], ms, ARGV[1])
redis.call('HINCRBY', KEYS[2], 'queued', 1)
return 1
