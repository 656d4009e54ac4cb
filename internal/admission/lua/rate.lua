-- Put in front of scripts that count requests: the sliding window of a scope.
--
-- The hash holds s<bucket> and r<bucket> (submits and reads of one bucket), the
-- sums submits and reads, the oldest and newest bucket, and steady, the bucket since
-- which no read waited long. Places that were given out for a time to come lie in
-- buckets after the present one.
-- Invariant: the sums are those of the buckets from oldest to newest, and every
-- bucket that may still reach into the window is among them. A place is given out
-- only where it and all others of every window that holds it are within the limit:
-- of the window that ends with the place, and of those that end with a place ahead.
-- A read that waits gets the next place that no submit has yet, unless reads have
-- used the most that is kept for them.

local MOST_AHEAD = 15 * 1000 -- ms; longer than any place lies ahead
local PATIENCE = 5 * 1000 -- ms that a read may wait before more is kept for reads

-- store writes the head of the window, which is forgotten once nothing counts any more.
local function store(w)
  redis.call('HSET', w.key, 'oldest', int(w.oldest), 'newest', int(w.newest), 'steady', int(w.steady),
    'submits', int(w.submits), 'reads', int(w.reads))
  redis.call('PEXPIRE', w.key, int((w.buckets + 2) * w.size + MOST_AHEAD))
end

-- start_anew counts all requests in the last bucket in which one that was given out
-- may lie. The clock went back, and nobody knows by how much.
local function start_anew(w)
  w.oldest, w.steady = w.current, w.current
  w.newest = w.current + math.floor(MOST_AHEAD / w.size)
  redis.call('DEL', w.key)
  redis.call('HSET', w.key, 's' .. int(w.newest), int(w.submits), 'r' .. int(w.newest), int(w.reads))
  store(w)
end

-- drop_before forgets the buckets before the first that still counts.
local function drop_before(w, first)
  local fields, gone = {}, {}
  for bucket = w.oldest, first - 1 do
    fields[#fields + 1] = 's' .. int(bucket)
    fields[#fields + 1] = 'r' .. int(bucket)
  end
  for i, count in ipairs(redis.call('HMGET', w.key, unpack(fields))) do
    if count then
      gone[#gone + 1] = fields[i]
      if i % 2 == 1 then
        w.submits = w.submits - tonumber(count)
      else
        w.reads = w.reads - tonumber(count)
      end
    end
  end
  w.oldest = first
  if #gone > 0 then
    redis.call('HDEL', w.key, unpack(gone))
  end
  store(w)
end

-- open_window reads the window of a scope and drops what has left it.
local function open_window(key, now)
  local head = redis.call('HMGET', key, 'oldest', 'newest', 'steady', 'submits', 'reads')
  local current = math.floor(now / ask.bucket)
  local w = {
    key = key, now = now, size = ask.bucket, buckets = ask.buckets, current = current,
    oldest = number(head[1]), newest = number(head[2]), steady = tonumber(head[3] or current),
    submits = number(head[4]), reads = number(head[5]),
  }
  local first = current - w.buckets -- the oldest bucket that still counts
  if w.submits + w.reads == 0 or w.newest < first then
    if w.submits + w.reads > 0 then
      redis.call('DEL', key)
    end
    w.oldest, w.newest, w.submits, w.reads = current, current, 0, 0
  elseif w.newest > current + MOST_AHEAD / w.size then
    start_anew(w)
  elseif w.oldest < first then
    drop_before(w, first)
  end
  return w
end

-- survey goes through all windows that end now or with a place ahead, and those until
-- these have left. It returns the most requests, or submits only, of any of them, and
-- of the last one that holds limit or more the last bucket and the count.
local function survey(w, submits_only, limit)
  local flat, counts = redis.call('HGETALL', w.key), {}
  for i = 1, #flat, 2 do
    local kind, bucket = string.match(flat[i], '^([sr])(%d+)$')
    if kind == 's' or kind == 'r' and not submits_only then
      bucket = tonumber(bucket)
      counts[bucket] = (counts[bucket] or 0) + tonumber(flat[i + 1])
    end
  end
  local sum, most, full, used = 0, 0, nil, 0
  for last = w.current - w.buckets, math.max(w.newest, w.current) + w.buckets do
    sum = sum + (counts[last] or 0) - (counts[last - w.buckets - 1] or 0)
    if last >= w.current then
      most = math.max(most, sum)
      if sum >= limit then
        full, used = last, sum
      end
    end
  end
  return most, full, used
end

-- fullest returns the most requests of any window that a request of now is in.
local function fullest(w)
  if w.newest <= w.current then
    return w.submits + w.reads
  end
  return (survey(w, false, math.huge))
end

-- room_in returns in how many ms no window is full, and the count of the last full one.
local function room_in(w, submits_only, limit)
  local _, full, used = survey(w, submits_only, limit)
  return full and (full + 1) * w.size - w.now or 0, used
end

-- place_in returns in how many ms there is a place within the limits of a scope, with
-- the count and the limit that decide; 0 ms is now.
local function place_in(w, limits, is_submit)
  local wait, used, most = 0, w.submits + w.reads, limits.requests
  if most and used >= most then -- else no window is full
    wait, used = room_in(w, false, most)
  end
  if most and is_submit and limits.reads then
    local kept = limits.reads
    if w.current - w.steady >= w.buckets then -- it is known how many reads there are
      kept = math.min(kept, w.reads + math.max(1, math.floor(kept / 10)))
    end
    if w.submits >= most - kept then
      local submit_wait, submits = room_in(w, true, most - kept)
      if submit_wait > wait then
        return submit_wait, submits, most - kept
      end
    end
  end
  return wait, used, most
end

-- drop_place takes back a submission that was given a place at a time and never sent, and
-- reports whether it still counts in the window.
local function drop_place(w, at)
  local bucket = math.floor(at / w.size)
  local field = 's' .. int(bucket)
  if bucket < w.oldest or number(redis.call('HGET', w.key, field)) < 1 then
    return false
  end
  w.submits = w.submits - 1
  redis.call('HINCRBY', w.key, field, -1)
  store(w)
  return true
end

-- take_place counts one request that is sent in ms.
local function take_place(w, is_submit, ms)
  local bucket, field = math.floor((w.now + ms) / w.size), 'r'
  if is_submit then
    field, w.submits = 's', w.submits + 1
  else
    w.reads = w.reads + 1
  end
  w.oldest = math.min(w.oldest, bucket)
  w.newest = math.max(w.newest, bucket)
  redis.call('HINCRBY', w.key, field .. int(bucket), 1)
  store(w)
end
