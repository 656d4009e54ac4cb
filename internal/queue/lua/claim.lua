-- Raises the fence of a record and gives all of it to the caller.
--
-- KEYS[1] record
-- Returns the record's fields and values, empty if there is none.
-- Invariant: of two processes that work on one job, only the later one's writes succeed.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {}
end
redis.call('HINCRBY', KEYS[1], 'fence', 1)
return redis.call('HGETALL', KEYS[1])
