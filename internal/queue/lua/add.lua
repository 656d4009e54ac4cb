-- Adds the records of jobs of one batch that are to be run.
--
-- KEYS[1] counts   KEYS[2] bitmap of finished jobs   KEYS[3] set of the queued
-- ARGV[1] how records begin   ARGV[2] order, '' for none   ARGV[3] priority
-- ARGV[4..] ref, place in the plan, spec, attempt, quote, …
-- Returns the state of each, '' if the job is over, or if the batch is not worked on for
-- this order: who feeds may have stood still, and not know it.
-- Invariant: a live record is in the index set of its state and in no other. In the counts,
-- quoted is what those that are queued were quoted. Fences begin at
-- the time in microseconds, so that a handler of before Redis was emptied never has that of a
-- record that was made again.
local wanted = (redis.call('HGET', KEYS[1], 'order') or '') == ARGV[2]
local now = redis.call('TIME')
local ms = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000))
local fence = string.format('%.0f', now[1] * 1000000 + now[2])
local states = {}
for i = 4, #ARGV, 5 do
  local ref, record = ARGV[i], ARGV[1] .. ARGV[i]
  local state = ''
  if wanted and redis.call('GETBIT', KEYS[2], ARGV[i + 1]) == 0 then
    state = redis.call('HGET', record, 'state')
    if not state then
      state = 'queued'
      redis.call('HSET', record, 'spec', ARGV[i + 2], 'state', state, 'fence', fence, 'attempt', ARGV[i + 3],
        'generation', 1, 'index', ARGV[i + 1], 'priority', ARGV[3], 'since', ms, 'quote', ARGV[i + 4])
      redis.call('ZADD', KEYS[3], ms, ref)
      redis.call('HINCRBY', KEYS[1], state, 1)
      redis.call('HINCRBY', KEYS[1], 'quoted', ARGV[i + 4])
    end
  end
  states[#states + 1] = state
end
return states
