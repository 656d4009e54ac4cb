-- Lists the jobs that a dead process has claimed.
--
-- KEYS[1] set of the jobs it has claimed   KEYS[2] set of the owners
-- ARGV[1] owner   ARGV[2] how records begin
-- Returns refs.
-- Invariant: an owner is in the set of owners as long as any job names it.
local refs = redis.call('SMEMBERS', KEYS[1])
local left = {}
for _, ref in ipairs(refs) do
  if redis.call('EXISTS', ARGV[2] .. ref) == 1 then
    left[#left + 1] = ref
  else
    redis.call('SREM', KEYS[1], ref)
  end
end
if #left == 0 then
  redis.call('SREM', KEYS[2], ARGV[1])
end
return left
