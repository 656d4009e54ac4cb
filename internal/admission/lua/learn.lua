-- Remembers how many jobs of a scope may run.
--
-- KEYS  1 ceiling  2 slots
-- ARGV  1 ceiling (0 = not said)  2 ms after which one more is tried, each time
--       3 the same after a guess
--       4 ms the ceiling is kept without news
-- Returns  {DONE}
-- Invariant: what the provider said replaces what was learned; a guess only
-- lowers it, to not less than 1.
--
-- Whether the refused job still holds its slot is not known here. If it does, the
-- first guess is one too high, the next job is refused too, and that refusal
-- lowers what was guessed by one: so a guess is always below the last.

local most, wait = tonumber(ARGV[1]), tonumber(ARGV[2])
if most == 0 then
  wait = tonumber(ARGV[3])
  most = redis.call('SCARD', KEYS[2])
  local known = number(redis.call('HGET', KEYS[1], 'limit'))
  if known > 0 then
    most = math.min(most, known - 1)
  end
end
redis.call('HSET', KEYS[1], 'limit', int(math.max(1, most)), 'probe', int(now_ms() + wait), 'every', int(wait))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {DONE}
