-- Reads many records at once.
--
-- KEYS records
-- Returns one list of fields and values for each key, empty where there is no record.
-- Invariant: changes nothing. One command, because a pipeline of many would block a
-- connection that has no buffer of its own, such as the embedded Redis'.
local records = {}
for i, key in ipairs(KEYS) do
  records[i] = redis.call('HGETALL', key)
end
return records
