-- Gives back the slots of runs that ended; their CU stay reserved.
--
-- KEYS, ARGV, Returns  as in grant.lua
-- Invariant: only a grant's own slots are given back; a repeat changes nothing.

return change_each(function(grant, asked)
  if grant.state == HELD then
    change_slots('SREM', grant, asked.scopes)
    redis.call('HSET', grant.key, 'state', FREED)
  end
end)
