-- Begins an epoch, or tells which there is.
--
-- KEYS  1 epoch  2 ready
-- ARGV  1 token of a new epoch, or '' to ask only
-- Returns  {token of the epoch there is now, or '', 1 if it is open}
-- Invariant: an epoch is over as soon as the server is another process, and a new one
-- is not open.

if ARGV[1] ~= '' then
  redis.call('DEL', KEYS[2])
  redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. run_id())
  return {ARGV[1], 0}
end
local token, process = string.match(redis.call('GET', KEYS[1]) or '', '^(%S+) (%S+)$')
if not token or process ~= run_id() then
  return {'', 0}
end
if redis.call('GET', KEYS[2]) ~= token then
  return {token, 0}
end
return {token, 1}
