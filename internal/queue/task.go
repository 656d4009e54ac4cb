package queue

import (
	"context"
	"fmt"
	"time"

	"nightshift/internal/job"
)

// leaseMargin is how long a lease may be over before its task counts as lost. A
// living server takes it up after 30 to 90 seconds, and clocks differ.
const leaseMargin = 3 * time.Minute

// Wake runs a parked collect task now. It reports whether there is such a task:
// one that is pending or running already counts, and so does an archived one,
// which stays where it is. A task that runs may just have decided to park again,
// so whoever has news wakes it until the job has moved on.
func (q *Queue) Wake(ctx context.Context, ref job.Ref, generation int) (bool, error) {
	there, err := q.look(ctx, q.collectName(), taskID(collectTask, ref, generation), true)
	if err != nil {
		return false, fmt.Errorf("wake collection of job %s: %w", ref, err)
	}
	return there, nil
}

// Submitting reports whether a job's submit task is in the lane: waiting, running
// or archived. One that asynq has lost is not.
func (q *Queue) Submitting(ctx context.Context, ref job.Ref, generation int, priority job.Priority) (bool, error) {
	there, err := q.look(ctx, q.laneName(priority), taskID(submitTask, ref, generation), false)
	if err != nil {
		return false, fmt.Errorf("look for submit task of job %s: %w", ref, err)
	}
	return there, nil
}

// Collecting reports whether a job's collect task is there: parked, pending,
// running or archived. One that asynq has lost is not.
func (q *Queue) Collecting(ctx context.Context, ref job.Ref, generation int) (bool, error) {
	there, err := q.look(ctx, q.collectName(), taskID(collectTask, ref, generation), false)
	if err != nil {
		return false, fmt.Errorf("look for collect task of job %s: %w", ref, err)
	}
	return there, nil
}

// look is one round trip. asynq can lose a task: where its lease entry was lost,
// or Redis went away in the wrong moment, the task's hash stays and says that it
// runs, for ever. So the hash alone is not believed.
func (q *Queue) look(ctx context.Context, queue, id string, wake bool) (bool, error) {
	keys := []string{
		taskPrefix(queue) + id, pendingKey(queue), leaseKey(queue),
		scheduledKey(queue), retryKey(queue), archivedKey(queue),
	}
	return taskScript.Run(ctx, q.redis, keys, id, int(leaseMargin.Seconds()), wake).Bool()
}
