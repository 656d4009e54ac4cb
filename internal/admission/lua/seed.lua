-- Counts what was spent before this life began.
--
-- KEYS  1 life  then those of the scopes
-- ARGV  1 {life, scopes, at, amount}: an amount that was spent at a time, ms
-- Returns  {DONE} or {LOST}
-- Invariant: called once for each slice of what was spent, before the life is ready.

if lost(KEYS[1], ask.life) then
  return {LOST}
end
bind(ask.scopes, 2)
for _, scope in ipairs(ask.scopes) do
  spend(scope.cu, ask.amount, ask.at)
end
return {DONE}
