-- Put in front of scripts that rely on what was counted before: is this still the
-- Redis in which it was?
--
-- An epoch begins when the state was restored, and ends when it may be incomplete:
-- when it was flushed (the key is gone), or when the server is another process
-- than the one it was restored in, which may have lost its last second.

-- run_id names the process of the server; an emulator has none and never
-- outlives its state.
local function run_id()
  local info = redis.pcall('INFO', 'server')
  if type(info) ~= 'string' then
    return 'none'
  end
  return string.match(info, 'run_id:(%w+)') or 'none'
end

-- lost reports whether the epoch of this token is over.
local function lost(epoch_key, token)
  return redis.call('GET', epoch_key) ~= token .. ' ' .. run_id()
end
