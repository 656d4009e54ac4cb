package queue

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"nightshift/internal/job"
)

// The two kinds of task.
const (
	submitTask  = "submit"
	collectTask = "collect"
)

// When a task that is added runs, if not after a number of seconds.
const (
	now   = 0
	first = -1 // before all that wait
)

// Enqueue puts a job's submit task into the lane; one that is there already is
// left as it is. The error is Redis'.
func (q *Queue) Enqueue(ctx context.Context, ref job.Ref, generation int, priority job.Priority) error {
	if err := q.put(ctx, q.laneName(priority), submitTask, ref, generation, now); err != nil {
		return fmt.Errorf("enqueue job %s: %w", ref, err)
	}
	return nil
}

// Park stores a job's collect task so that it runs after the given time, unless
// it is woken earlier; one that is there already is left as it is. The error is Redis'.
func (q *Queue) Park(ctx context.Context, ref job.Ref, generation int, after time.Duration) error {
	if err := q.put(ctx, q.collectName(), collectTask, ref, generation, int(wholeSeconds(after).Seconds())); err != nil {
		return fmt.Errorf("park collection of job %s: %w", ref, err)
	}
	return nil
}

// Wake runs a parked collect task now. It reports whether there is such a task:
// one that is pending or running already counts, and so does an archived one,
// which stays where it is. A task that runs may just have decided to park again,
// so whoever has news wakes it until the job has moved on. The error is Redis'.
func (q *Queue) Wake(ctx context.Context, ref job.Ref, generation int) (bool, error) {
	name, id := q.collectName(), taskID(collectTask, ref, generation)
	keys := []string{taskPrefix(name) + id, pendingKey(name), scheduledKey(name), retryKey(name)}
	there, err := wakeScript.Run(ctx, q.redis, keys, id).Bool()
	if err != nil {
		return false, fmt.Errorf("wake collection of job %s: %w", ref, err)
	}
	return there, nil
}

func (q *Queue) put(ctx context.Context, queue, kind string, ref job.Ref, generation, when int) error {
	if err := q.publish(ctx); err != nil {
		return err
	}
	id := taskID(kind, ref, generation)
	return putScript.Run(ctx, q.redis, []string{pendingKey(queue), scheduledKey(queue)},
		taskPrefix(queue), when, id, message(queue, kind, id, ref)).Err()
}

// publish makes the queues known to asynq, once.
func (q *Queue) publish(ctx context.Context) error {
	if q.published.Load() {
		return nil
	}
	if err := q.redis.SAdd(ctx, allQueuesKey, q.names()).Err(); err != nil {
		return err
	}
	q.published.Store(true)
	return nil
}

// message is a task as asynq writes it. asynq never gives up by itself, and never
// keeps a finished task, because waking a kept one would run it again.
func message(queue, kind, id string, ref job.Ref) []byte {
	var m []byte
	text := func(field byte, value string) {
		m = binary.AppendUvarint(append(m, field<<3|2), uint64(len(value)))
		m = append(m, value...)
	}
	number := func(field byte, value uint64) { m = binary.AppendUvarint(append(m, field<<3), value) }
	text(1, kind)
	text(2, ref.String())
	text(3, id)
	text(4, queue)
	number(5, 1<<30)                              // retries
	number(8, uint64((24 * time.Hour).Seconds())) // timeout
	return m
}

// wholeSeconds rounds up and adds one, because asynq cuts times to whole seconds
// and would run a task up to a second early.
func wholeSeconds(d time.Duration) time.Duration {
	return time.Duration(math.Ceil(d.Seconds())+1) * time.Second
}
