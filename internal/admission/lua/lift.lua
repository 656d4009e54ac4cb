-- Ends holds that only a person ends, because a person has done something.
--
-- KEYS  holds
-- ARGV  reasons
-- Returns  {DONE}
-- Invariant: holds for other reasons stand.

for _, key in ipairs(KEYS) do
  local _, reason = parse_hold(redis.call('GET', key))
  for _, lifted in ipairs(ARGV) do
    if reason == tonumber(lifted) then
      redis.call('DEL', key)
    end
  end
end
return {DONE}
