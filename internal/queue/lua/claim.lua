-- Takes a job over, if it is in one of the states given, and gives its record to the caller.
--
-- KEYS[1] record   KEYS[2] set of the jobs that the owner has claimed   KEYS[3] set of the owners
-- ARGV[1] ref   ARGV[2] owner   ARGV[3] states, each in commas: ",queued,storing,"
-- ARGV[4] how sets of claimed jobs begin
-- Returns 1 if it is claimed or else 0, and the record's fields and values; nothing if there is none.
-- Invariant: of two processes that work on one job, only the later one's writes succeed. A
-- record names its owner if and only if it is in that one's set. What is being sent is
-- claimed by the process that sends it, and by no other.
local state = redis.call('HGET', KEYS[1], 'state')
if not state then
  return {}
end
local owner = redis.call('HGET', KEYS[1], 'owner')
if not string.find(ARGV[3], ',' .. state .. ',', 1, true) or state == 'sending' and owner ~= ARGV[2] then
  return {0, redis.call('HGETALL', KEYS[1])}
end
redis.call('HINCRBY', KEYS[1], 'fence', 1)
if owner ~= ARGV[2] then
  if owner then
    redis.call('SREM', ARGV[4] .. owner, ARGV[1])
  end
  redis.call('HSET', KEYS[1], 'owner', ARGV[2])
  redis.call('SADD', KEYS[2], ARGV[1])
  redis.call('SADD', KEYS[3], ARGV[2])
end
return {1, redis.call('HGETALL', KEYS[1])}
