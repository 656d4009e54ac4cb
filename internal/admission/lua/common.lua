-- Put in front of every script: numbers, time and the answer "wait".
--
-- Amounts are whole milli-CU, times whole milliseconds of Redis' own clock. A
-- number goes back to Redis through int(), since Redis and its emulator each
-- cut and print floats in their own way.

-- Codes of the reasons, as in reasons.go; those above BATCH_CU only hold.
local REQUEST_RATE, PARALLEL, KEY_CU, BATCH_CU = 1, 2, 3, 4

-- First number of an answer.
local DONE, WAIT, SETTLED, NO_GRANT, OTHER_SCOPE = 0, 1, 2, 3, 4

local function int(n)
  return string.format('%.0f', n)
end

local function now_ms()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

-- number reads a reply that may be absent.
local function number(reply)
  return tonumber(reply or 0)
end

-- hold returns until when a key of this kind blocks and its reason's code.
local function hold(key)
  local value = redis.call('GET', key)
  if not value then
    return 0, 0
  end
  local till, reason = string.match(value, '^(%d+) (%d+)$')
  return tonumber(till), tonumber(reason)
end

-- ceiling returns how many jobs may run: the lower of configured and learned,
-- 0 if neither is known.
local function ceiling(key, configured)
  local learned = number(redis.call('GET', key))
  if configured == 0 or (learned > 0 and learned < configured) then
    return learned
  end
  return configured
end
