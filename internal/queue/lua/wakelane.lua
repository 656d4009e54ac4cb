-- Lets tasks of a lane that wait for their time run now, the first to be due first.
--
-- KEYS[1] sorted set of those to be retried   KEYS[2] list of the pending
-- ARGV[1] how many at most   ARGV[2] how the keys of tasks begin
-- Returns how many.
-- Invariant: a task is in one list or set, the one that its state names.
local now = redis.call('TIME')
local since = now[1] .. string.format('%06d', now[2]) .. '000'
local ids = redis.call('ZRANGE', KEYS[1], 0, ARGV[1] - 1)
for _, id in ipairs(ids) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('LPUSH', KEYS[2], id)
  redis.call('HSET', ARGV[2] .. id, 'state', 'pending', 'pending_since', since)
end
return #ids
