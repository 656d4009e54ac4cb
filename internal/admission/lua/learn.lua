-- Remembers how many jobs of a team may run.
--
-- KEYS  1 ceiling  2 slots
-- ARGV  1 ceiling (0 = not said)  2 ms a ceiling is kept  3 ms a guess is kept
-- Returns  {DONE}
-- Invariant: what the provider said replaces what was learned; a guess only
-- lowers it, to not less than 1.
--
-- Whether the refused job still holds its slot is not known here. If it does, the
-- first guess is one too high, the next job is refused too, and that refusal
-- lowers what was guessed by one: so a guess is always below the last.

local said = tonumber(ARGV[1])
if said > 0 then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return {DONE}
end
local guess = redis.call('SCARD', KEYS[2])
local known = number(redis.call('GET', KEYS[1]))
if known > 0 then
  guess = math.min(guess, known - 1)
end
redis.call('SET', KEYS[1], int(math.max(1, guess)), 'PX', ARGV[3])
return {DONE}
