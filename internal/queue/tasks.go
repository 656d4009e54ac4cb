package queue

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
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

// Enqueue puts the submit tasks of jobs into the lane; those that are there already are
// left as they are. The error is Redis'.
func (q *Queue) Enqueue(ctx context.Context, priority job.Priority, generation int, refs ...job.Ref) error {
	if err := q.put(ctx, q.laneName(priority), submitTask, generation, now, refs...); err != nil {
		return fmt.Errorf("enqueue %d jobs: %w", len(refs), err)
	}
	return nil
}

// Park stores a job's collect task so that it runs after the given time, unless
// it is woken earlier; one that is there already is left as it is. The error is Redis'.
func (q *Queue) Park(ctx context.Context, ref job.Ref, generation int, after time.Duration) error {
	if err := q.put(ctx, q.collectName(), collectTask, generation, seconds(after), ref); err != nil {
		return fmt.Errorf("park collection of job %s: %w", ref, err)
	}
	return nil
}

// Collect notes the outcomes of runs that have ended, where records say that they run,
// and lets the collect tasks of all that are to be stored run now. One that runs just
// then may have decided to wait again: whoever has news calls Collect until the job has
// moved on, without the outcome if it was noted before. The error is Redis'.
func (q *Queue) Collect(ctx context.Context, ended ...job.EndedRun) error {
	if err := q.publish(ctx); err != nil {
		return err
	}
	name := q.collectName()
	keys := []string{q.stateKey(job.Running), q.stateKey(job.Storing), pendingKey(name), scheduledKey(name), retryKey(name)}
	for some := range slices.Chunk(ended, atOnce) {
		args := []any{q.recordsPrefix(), q.countsPrefix(), taskPrefix(name)}
		for _, e := range some {
			var outcome []byte
			if e.Outcome != nil {
				var err error
				if outcome, err = json.Marshal(e.Outcome); err != nil {
					return fmt.Errorf("note the end of job %s: %w", e.Ref, err)
				}
			}
			id := taskID(collectTask, e.Ref, e.Generation)
			args = append(args, e.Ref.String(), e.Ref.Batch, outcome, id, message(name, collectTask, id, e.Ref))
		}
		if err := collectScript.Run(ctx, q.redis, keys, args...).Err(); err != nil {
			return fmt.Errorf("note the end of %d jobs: %w", len(some), err)
		}
	}
	return nil
}

// put adds the tasks of jobs to a queue.
func (q *Queue) put(ctx context.Context, queue, kind string, generation, when int, refs ...job.Ref) error {
	if err := q.publish(ctx); err != nil {
		return err
	}
	for some := range slices.Chunk(refs, atOnce) {
		args := []any{taskPrefix(queue), when}
		for _, ref := range some {
			id := taskID(kind, ref, generation)
			args = append(args, id, message(queue, kind, id, ref))
		}
		if err := putScript.Run(ctx, q.redis, []string{pendingKey(queue), scheduledKey(queue)}, args...).Err(); err != nil {
			return err
		}
	}
	return nil
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

// seconds is how scripts are told a time to wait.
func seconds(d time.Duration) int { return int(wholeSeconds(d).Seconds()) }

// wholeSeconds rounds up and adds one, because asynq cuts times to whole seconds
// and would run a task up to a second early.
func wholeSeconds(d time.Duration) time.Duration {
	return time.Duration(math.Ceil(d.Seconds())+1) * time.Second
}
