-- Tells what is used, for people to see.
--
-- KEYS  1 rate  2 slots  3 ceiling  4 key CU  5 batch CU  6 key hold  7 project hold
-- ARGV  1 requests (0 = no limit)  2 parallel (0 = none)  3 bucket ms  4 buckets
-- Returns  {requests left (-1 = no limit), running, ceiling, key spent, key reserved,
--           batch spent, batch reserved, end of the hold in ms (0 = none), its reason}
-- Invariant: changes nothing but what has left the window anyway.

local now = now_ms()
local window = open_window(KEYS[1], now, tonumber(ARGV[3]), tonumber(ARGV[4]))
local limit, left = tonumber(ARGV[1]), -1
if limit > 0 then
  left = math.max(0, limit - window.submits - window.reads)
end
local of_key = redis.call('HMGET', KEYS[4], 'spent', 'reserved')
local of_batch = redis.call('HMGET', KEYS[5], 'spent', 'reserved')
local till, reason = hold(KEYS[6])
local project_till, project_reason = hold(KEYS[7])
if project_till > till then
  till, reason = project_till, project_reason
end
if till <= now then
  till, reason = 0, 0
end
return {left, redis.call('SCARD', KEYS[2]), ceiling(KEYS[3], tonumber(ARGV[2])),
  number(of_key[1]), number(of_key[2]), number(of_batch[1]), number(of_batch[2]), till, reason}
