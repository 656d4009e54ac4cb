-- Put in front of scripts that count requests: the sliding window of a key or a
-- project.
--
-- The hash holds s<bucket> and r<bucket> (submits and reads of one bucket), the
-- sums submits and reads, and the oldest and newest bucket. Places that were given
-- out for a time to come lie in buckets after the present one.
-- Invariant: the sums are those of the buckets from oldest to newest, and every
-- bucket that may still reach into the window is among them. A place is given out
-- only where it and all others of every window that holds it are within the limit:
-- of the window that ends with the place, and of those that end with a place ahead.

local MOST_AHEAD = 15 * 1000 -- ms; longer than any place lies ahead

-- keep lets the window be forgotten once nothing counts any more.
local function keep(w)
  redis.call('PEXPIRE', w.key, int((w.buckets + 2) * w.size + MOST_AHEAD))
end

-- start_anew counts all requests in the last bucket in which one that was given out
-- may lie. The clock went back, and nobody knows by how much.
local function start_anew(w)
  redis.call('DEL', w.key)
  w.oldest = w.current
  w.newest = w.current + math.floor(MOST_AHEAD / w.size)
  redis.call('HSET', w.key, 'oldest', int(w.oldest), 'newest', int(w.newest),
    'submits', int(w.submits), 'reads', int(w.reads),
    's' .. int(w.newest), int(w.submits), 'r' .. int(w.newest), int(w.reads))
  keep(w)
end

-- drop_before forgets the buckets before the first that still counts.
local function drop_before(w, first)
  for bucket = w.oldest, first - 1 do
    local s, r = 's' .. int(bucket), 'r' .. int(bucket)
    local gone = redis.call('HMGET', w.key, s, r)
    if gone[1] or gone[2] then
      redis.call('HDEL', w.key, s, r)
      w.submits = w.submits - number(gone[1])
      w.reads = w.reads - number(gone[2])
    end
  end
  w.oldest = first
  redis.call('HSET', w.key, 'oldest', int(w.oldest), 'submits', int(w.submits), 'reads', int(w.reads))
end

-- open_window reads the window and drops what has left it.
local function open_window(key, now, size, buckets)
  local head = redis.call('HMGET', key, 'oldest', 'newest', 'submits', 'reads')
  local w = {
    key = key, now = now, size = size, buckets = buckets, current = math.floor(now / size),
    oldest = number(head[1]), newest = number(head[2]), submits = number(head[3]), reads = number(head[4]),
  }
  local first = w.current - buckets -- the oldest bucket that still counts
  if w.submits + w.reads == 0 then
    w.oldest, w.newest = w.current, w.current
  elseif w.newest > w.current + MOST_AHEAD / size then
    start_anew(w)
  elseif w.newest < first then
    redis.call('DEL', key)
    w.oldest, w.newest, w.submits, w.reads = w.current, w.current, 0, 0
  elseif w.oldest < first then
    drop_before(w, first)
  end
  return w
end

-- by_bucket reads how many requests, or submits only, each bucket holds.
local function by_bucket(w, submits_only)
  local flat, counts = redis.call('HGETALL', w.key), {}
  for i = 1, #flat, 2 do
    local kind, bucket = string.match(flat[i], '^([sr])(%d+)$')
    if kind == 's' or kind == 'r' and not submits_only then
      bucket = tonumber(bucket)
      counts[bucket] = (counts[bucket] or 0) + tonumber(flat[i + 1])
    end
  end
  return counts
end

-- each_window calls f with the last bucket and the count of every window that ends
-- now or with a place ahead, and goes on after these while f returns true.
local function each_window(w, submits_only, f)
  local counts, sum = by_bucket(w, submits_only), 0
  for bucket = w.current - w.buckets, w.current - 1 do
    sum = sum + (counts[bucket] or 0)
  end
  local last = w.current
  while true do
    sum = sum + (counts[last] or 0)
    local more = f(last, sum)
    if last >= w.newest and not more then
      return
    end
    sum = sum - (counts[last - w.buckets] or 0)
    last = last + 1
  end
end

-- fullest returns the most requests of any window that a request of now is in.
local function fullest(w)
  local most = w.submits + w.reads
  if w.newest > w.current then
    most = 0
    each_window(w, false, function(_, count)
      most = math.max(most, count)
      return false
    end)
  end
  return most
end

-- room_in returns in how many ms no window is full any more, and the count of the
-- last full one.
local function room_in(w, limit, submits_only)
  local full, used = nil, 0
  each_window(w, submits_only, function(last, count)
    if count >= limit then
      full, used = last, count
    end
    return count >= limit
  end)
  if not full then
    return 0, used
  end
  return (full + 1) * w.size - w.now, used
end

-- place_in returns in how many ms there is a place, with the count and the limit
-- that decide; 0 ms is now. A limit of 0 is none.
local function place_in(w, is_submit, limit, submit_limit)
  local wait, used, most = 0, w.submits + w.reads, limit
  if limit > 0 and used >= limit then -- else no window is full
    wait, used = room_in(w, limit, false)
  end
  if is_submit and submit_limit > 0 and w.submits >= submit_limit then
    local submit_wait, submits = room_in(w, submit_limit, true)
    if submit_wait > wait then
      wait, used, most = submit_wait, submits, submit_limit
    end
  end
  return wait, used, most
end

-- take_place counts one request that is sent in ms.
local function take_place(w, is_submit, ms)
  local field, sum = 'r', 'reads'
  if is_submit then
    field, sum = 's', 'submits'
  end
  local bucket = math.floor((w.now + ms) / w.size)
  w.oldest = math.min(w.oldest, bucket)
  w.newest = math.max(w.newest, bucket)
  redis.call('HINCRBY', w.key, field .. int(bucket), 1)
  redis.call('HINCRBY', w.key, sum, 1)
  redis.call('HSET', w.key, 'oldest', int(w.oldest), 'newest', int(w.newest))
  keep(w)
end
