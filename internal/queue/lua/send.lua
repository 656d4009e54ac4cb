-- Marks a queued job as being sent, and parks its collect task.
--
-- KEYS[1] record   KEYS[2] counts   KEYS[3] set of the queued   KEYS[4] set of those being sent
-- KEYS[5] collect task   KEYS[6] sorted set of the scheduled tasks
-- ARGV[1] ref   ARGV[2] fence   ARGV[3] intent, ms   ARGV[4] API key
-- ARGV[5] task id   ARGV[6] message   ARGV[7] seconds until the task runs
-- Returns the new fence, or -1 no such record, -2 wrong fence, -3 not queued.
-- Invariant: what may have been sent has a task that will look after it.
local state = redis.call('HGET', KEYS[1], 'state')
if not state then
  return -1
end
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[2] then
  return -2
end
if state ~= 'queued' then
  return -3
end
local now = redis.call('TIME')
if redis.call('EXISTS', KEYS[5]) == 0 then
  redis.call('HSET', KEYS[5], 'msg', ARGV[6], 'state', 'scheduled')
  redis.call('ZADD', KEYS[6], now[1] + ARGV[7], ARGV[5])
end
local ms = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000))
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZADD', KEYS[4], ms, ARGV[1])
redis.call('HINCRBY', KEYS[2], 'queued', -1)
redis.call('HINCRBY', KEYS[2], 'sending', 1)
redis.call('HINCRBY', KEYS[2], 'quoted', '-' .. (redis.call('HGET', KEYS[1], 'quote') or 0))
redis.call('HSET', KEYS[1], 'state', 'sending', 'since', ms, 'intent', ARGV[3], 'apiKey', ARGV[4])
return redis.call('HINCRBY', KEYS[1], 'fence', 1)
