-- Put in front of every script: numbers, time and the codes of answers.
--
-- Amounts are whole milli-CU, times whole milliseconds of Redis' own clock. A
-- number goes back to Redis through int(), since Redis and its emulator each
-- cut and print floats in their own way. It also makes 0 of the -0 that Lua has
-- and Redis takes for no integer.

-- Codes of the reasons, as in reasons.go; the others only hold.
local REQUEST_RATE, PARALLEL, CU = 1, 2, 3

-- First number of an answer.
local DONE, WAIT, SETTLED, NO_GRANT, ELSEWHERE, LOST = 0, 1, 2, 3, 4, 5

local function int(n)
  return string.format('%.0f', n + 0)
end

local function now_ms()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

-- number reads a reply that may be absent.
local function number(reply)
  return tonumber(reply or 0)
end

-- parse_hold returns until when a hold blocks and its reason's code.
local function parse_hold(value)
  local till, reason = string.match(value or '', '^(%d+) (%d+)$')
  return number(till), number(reason)
end
