-- Remembers how many jobs of a scope may run.
--
-- KEYS  1 ceiling  2 slots
-- ARGV  1 ceiling (0 = not said)
-- Returns  {DONE}
-- Invariant: what the provider said replaces what was learned; a guess only
-- lowers it, to not less than 1.
--
-- Whether the refused job still holds its slot is not known here. If it does, the
-- first guess is one too high, the next job is refused too, and that refusal
-- lowers what was guessed by one: so a guess is always below the last.

-- One more is tried from time to time: the team may have a better plan by now, and the
-- price is one refused request. It is tried sooner after a guess, since jobs of other
-- people may have been among those running. Without news a ceiling is forgotten.
local PROBE, PROBE_GUESS, KEPT = 10 * 60 * 1000, 60 * 1000, 7 * 24 * 60 * 60 * 1000

local most, wait = tonumber(ARGV[1]), PROBE
if most == 0 then
  local known = number(redis.call('HGET', KEYS[1], 'limit'))
  most, wait = redis.call('SCARD', KEYS[2]), PROBE_GUESS
  if known > 0 then
    most = math.min(most, known - 1)
  end
end
redis.call('HSET', KEYS[1], 'limit', int(math.max(1, most)), 'probe', int(now_ms() + wait), 'every', int(wait))
redis.call('PEXPIRE', KEYS[1], int(KEPT))
return {DONE}
