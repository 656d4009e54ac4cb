-- Turns reservations into spend and gives back their slots.
--
-- KEYS, ARGV, Returns  as in grant.lua; a grant says  billed, refunded
-- Invariant: each grant's spend is counted once, for the time at which it was
-- reserved: by then the provider counts it.

return change_each(function(grant, asked)
  if live(grant) then
    end_grant(grant, asked.scopes, FINAL, 'settle', asked.billed, asked.refunded)
    for _, scope in ipairs(asked.scopes) do
      spend(scope.cu, asked.billed - asked.refunded, grant.charged)
    end
  elseif grant.state ~= FINAL then
    return {NO_GRANT}
  end
end)
