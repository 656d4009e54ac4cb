-- Gives back the slots and the CU of requests that cost nothing.
--
-- KEYS, ARGV, Returns  as in grant.lua
-- Invariant: a reservation is given back once; a repeat changes nothing.

return change_each(function(grant, asked)
  if live(grant) then
    end_grant(grant, asked.scopes, RELEASED, 'release')
  end
end)
