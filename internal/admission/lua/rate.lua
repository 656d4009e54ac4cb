-- Put in front of scripts that count requests: the sliding window of a project.
--
-- The hash holds s<bucket> and r<bucket> (submits and reads of one bucket), the
-- sums submits and reads, and the oldest and newest bucket.
-- Invariant: the sums are those of the buckets from oldest to newest, and every
-- bucket that may still reach into the window is among them.

-- open_window reads the window and drops what has left it.
local function open_window(key, now, size, buckets)
  local head = redis.call('HMGET', key, 'oldest', 'newest', 'submits', 'reads')
  local w = {
    key = key, now = now, size = size, buckets = buckets, current = math.floor(now / size),
    oldest = number(head[1]), newest = number(head[2]), submits = number(head[3]), reads = number(head[4]),
  }
  if w.submits + w.reads == 0 then
    w.oldest, w.newest = w.current, w.current
    return w
  end
  if w.newest > w.current then
    -- The clock went back: count everything as sent now.
    redis.call('DEL', key)
    w.oldest, w.newest = w.current, w.current
    redis.call('HSET', key, 'oldest', int(w.oldest), 'newest', int(w.newest),
      'submits', int(w.submits), 'reads', int(w.reads),
      's' .. int(w.current), int(w.submits), 'r' .. int(w.current), int(w.reads))
    return w
  end
  local first = w.current - buckets -- the oldest bucket that still counts
  if w.newest < first then
    redis.call('DEL', key)
    w.oldest, w.newest, w.submits, w.reads = w.current, w.current, 0, 0
    return w
  end
  if w.oldest >= first then
    return w
  end
  for bucket = w.oldest, first - 1 do
    local s, r = 's' .. int(bucket), 'r' .. int(bucket)
    local gone = redis.call('HMGET', key, s, r)
    if gone[1] or gone[2] then
      redis.call('HDEL', key, s, r)
      w.submits = w.submits - number(gone[1])
      w.reads = w.reads - number(gone[2])
    end
  end
  w.oldest = first
  redis.call('HSET', key, 'oldest', int(w.oldest), 'submits', int(w.submits), 'reads', int(w.reads))
  return w
end

-- leave_in returns in how many ms that many requests have left: submits only, or
-- all of them.
local function leave_in(w, excess, submits_only)
  local flat, fields = redis.call('HGETALL', w.key), {}
  for i = 1, #flat, 2 do
    fields[flat[i]] = tonumber(flat[i + 1])
  end
  for bucket = w.oldest, w.newest do
    excess = excess - (fields['s' .. int(bucket)] or 0)
    if not submits_only then
      excess = excess - (fields['r' .. int(bucket)] or 0)
    end
    if excess <= 0 then
      return (bucket + 1 + w.buckets) * w.size - w.now
    end
  end
  return (w.newest + 1 + w.buckets) * w.size - w.now
end

-- place_in returns in how many ms there is a place, with the count and the limit
-- that decide; 0 ms is now. A limit of 0 is none.
local function place_in(w, is_submit, limit, submit_limit)
  local wait, used, most = 0, w.submits + w.reads, limit
  if limit > 0 and used >= limit then
    wait = leave_in(w, used - limit + 1, false)
  end
  if is_submit and submit_limit > 0 and w.submits >= submit_limit then
    local submit_wait = leave_in(w, w.submits - submit_limit + 1, true)
    if submit_wait > wait then
      wait, used, most = submit_wait, w.submits, submit_limit
    end
  end
  return wait, used, most
end

-- take_place counts one request now.
local function take_place(w, is_submit)
  local field, sum = 'r', 'reads'
  if is_submit then
    field, sum = 's', 'submits'
  end
  redis.call('HINCRBY', w.key, field .. int(w.current), 1)
  redis.call('HINCRBY', w.key, sum, 1)
  redis.call('HSET', w.key, 'oldest', int(w.oldest), 'newest', int(w.current))
  redis.call('PEXPIRE', w.key, int((w.buckets + 2) * w.size))
end
