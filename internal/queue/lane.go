package queue

import (
	"context"
	"fmt"

	"nightshift/internal/rediskeys"
)

// wakeAtMost is how many tasks of a lane are woken at a time: more than a feeder
// keeps in it, and few enough that Redis is held up for a few milliseconds.
const wakeAtMost = 1000

// WakeLane runs the submit tasks now that wait for their time, at most 1,000 of
// each priority, because a person changed what they wait for: a limit, a budget or
// an API key. Those that still may not run wait again. A task that runs just then
// may have asked before the change and go to sleep after this; wake the lane again
// some seconds later where that matters. The error is Redis'.
func (q *Queue) WakeLane(ctx context.Context) error {
	for _, priority := range priorities {
		lane := q.laneName(priority)
		// Enqueue schedules nothing, so all that wait were postponed by their handler.
		keys := []string{retryKey(lane), pendingKey(lane)}
		if err := wakeLaneScript.Run(ctx, q.redis, keys, wakeAtMost, taskPrefix(lane)).Err(); err != nil {
			return fmt.Errorf("wake lane %s: %w", lane, err)
		}
	}
	return nil
}

// Wipe deletes all records and tasks of the pool, whatever their state. It is for a
// batch that is begun again: no process may work on the pool, so tasks that seem to
// run are left over by one that is gone. The error is Redis'; repeat it then.
func (q *Queue) Wipe(ctx context.Context) error {
	// By their names, because tasks that asynq has lost are in no list. asynq's own
	// list of queues keeps the name: it is written once a process, and the queue is
	// about to be filled again.
	prefixes := []string{q.prefix}
	for _, name := range q.names() {
		prefixes = append(prefixes, prefix(name))
	}
	for _, prefix := range prefixes {
		if err := rediskeys.Delete(ctx, q.redis, prefix); err != nil {
			return fmt.Errorf("wipe %s*: %w", prefix, err)
		}
	}
	return nil
}

// Remove is [Queue.Wipe] of a pool that will not be used again: asynq forgets the
// names of its queues, too. The error is Redis'; repeat it then.
func (q *Queue) Remove(ctx context.Context) error {
	if err := q.Wipe(ctx); err != nil {
		return err
	}
	for _, name := range q.names() {
		if err := q.redis.SRem(ctx, allQueuesKey, name).Err(); err != nil {
			return fmt.Errorf("forget queue %s: %w", name, err)
		}
	}
	return nil
}
