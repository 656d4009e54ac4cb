-- Changes the state of a record, raises its fence and writes fields with it.
--
-- KEYS[1] record   KEYS[2] counts   KEYS[3] hash: inference id -> ref
-- KEYS[4] sorted set of inference ids that are ours, by the time they were made
-- KEYS[5..9] index sets of the states queued, sending, running, unknown, storing
-- ARGV[1] ref   ARGV[2] fence, or 0 for any   ARGV[3] new state   ARGV[4] allowed states, each in commas: ",queued,sending,"
-- ARGV[5] inference id that is now known, or ''   ARGV[6] when it was made, ms
-- ARGV[7] how sets of claimed jobs begin
-- ARGV[8..] field, value, …
-- Returns the new fence, or -1 no such record, -2 wrong fence, -3 state not allowed, -4 the inference is or was of another job or attempt.
-- Invariant: whoever has claimed the job keeps it only to send it. One inference belongs to one attempt of one job, for as long as it is in a set of ours; a live record is in the index set of its state and in no other.
local sets = {queued = 5, sending = 6, running = 7, unknown = 8, storing = 9}
local was = redis.call('HGET', KEYS[1], 'state')
if not was then
  return -1
end
if ARGV[2] ~= '0' and redis.call('HGET', KEYS[1], 'fence') ~= ARGV[2] then
  return -2
end
if not string.find(ARGV[4], ',' .. was .. ',', 1, true) then
  return -3
end
if ARGV[5] ~= '' then
  -- An id of ours is this job's own again, or that of a run which is over: of another
  -- job, or of an attempt of this one that was forgotten. A job that is counted already
  -- takes its own run again, whose images are missing.
  local mine, counted = redis.call('HGET', KEYS[1], 'inference') == ARGV[5], false
  for i = 8, #ARGV, 2 do
    counted = counted or ARGV[i] == 'counted' and ARGV[i + 1] == '1'
  end
  local over = not counted and redis.call('ZSCORE', KEYS[4], ARGV[5])
  if not mine and (over or redis.call('HEXISTS', KEYS[3], ARGV[5]) == 1) then
    return -4
  end
  -- Of a job that runs it may turn out that its receipt named another job's.
  local before = redis.call('HGET', KEYS[1], 'inference')
  if was == 'running' and before and before ~= ARGV[5] then
    redis.call('HDEL', KEYS[3], before)
    redis.call('ZREM', KEYS[4], before)
  end
  redis.call('HSET', KEYS[3], ARGV[5], ARGV[1])
  redis.call('ZADD', KEYS[4], ARGV[6], ARGV[5])
  redis.call('HSET', KEYS[1], 'inference', ARGV[5])
end
for i = 8, #ARGV, 2 do
  if ARGV[i] == 'inference' and ARGV[i + 1] == '' then
    local named = redis.call('HGET', KEYS[1], 'inference') or ''
    redis.call('HDEL', KEYS[3], named)
    -- What a job that runs gives up was never its own, and may be another's.
    if was == 'running' then
      redis.call('ZREM', KEYS[4], named)
    end
  end
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
local owner = ARGV[3] ~= 'sending' and redis.call('HGET', KEYS[1], 'owner')
if owner then
  redis.call('SREM', ARGV[7] .. owner, ARGV[1])
  redis.call('HDEL', KEYS[1], 'owner')
end
if was ~= ARGV[3] then
  local now = redis.call('TIME')
  local ms = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000))
  redis.call('ZREM', KEYS[sets[was]], ARGV[1])
  redis.call('ZADD', KEYS[sets[ARGV[3]]], ms, ARGV[1])
  redis.call('HINCRBY', KEYS[2], was, -1)
  redis.call('HINCRBY', KEYS[2], ARGV[3], 1)
  local quote = redis.call('HGET', KEYS[1], 'quote') or 0
  if was == 'queued' then
    redis.call('HINCRBY', KEYS[2], 'quoted', '-' .. quote)
  elseif ARGV[3] == 'queued' then
    redis.call('HINCRBY', KEYS[2], 'quoted', quote)
  end
  redis.call('HSET', KEYS[1], 'state', ARGV[3], 'since', ms)
end
return redis.call('HINCRBY', KEYS[1], 'fence', 1)
