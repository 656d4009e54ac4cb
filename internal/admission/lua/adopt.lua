-- Reserves slots and CU of runs that exist already, whatever the caps say.
--
-- KEYS, ARGV, Returns  as in grant.lua; a grant says  amount, charged (when, ms; 0 = now)
-- Invariant: a live or settled grant is not counted a second time.

return change_each(function(grant, asked)
  if not live(grant) and grant.state ~= FINAL then
    hold_grant(grant, asked.scopes, 'adopt', asked.amount, asked.charged > 0 and asked.charged or now_ms())
  end
end)
