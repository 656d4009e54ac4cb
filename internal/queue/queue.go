package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
)

// The two kinds of task.
const (
	submitTask  = "submit"
	collectTask = "collect"
)

// Options make a Queue.
type Options struct {
	Redis  redis.UniversalClient
	Pool   string // name of the key pool; letters, digits, dash and underscore
	Logger *slog.Logger
}

// Queue holds the tasks of one key pool.
type Queue struct {
	pool      string
	redis     redis.UniversalClient
	client    *asynq.Client
	inspector *asynq.Inspector
	logger    *slog.Logger
}

// New returns the queue of a pool. It uses the Redis client and never closes it.
func New(o Options) *Queue {
	return &Queue{
		pool:      o.Pool,
		redis:     o.Redis,
		client:    asynq.NewClientFromRedisClient(o.Redis),
		inspector: asynq.NewInspectorFromRedisClient(o.Redis),
		logger:    o.Logger.With("component", "queue"),
	}
}

func (q *Queue) laneName(priority job.Priority) string { return q.pool + "-" + string(priority) }
func (q *Queue) collectName() string                   { return q.pool + "-collect" }

// taskID carries the generation, because an id that asynq has lost stays taken
// for ever.
func taskID(kind string, ref job.Ref, generation int) string {
	return fmt.Sprintf("%s:%s:%d", kind, ref, generation)
}

// options common to all tasks: asynq never gives up by itself, and never keeps a
// finished task, because waking a kept one would run it again.
func options(queue, id string) []asynq.Option {
	return []asynq.Option{
		asynq.Queue(queue), asynq.TaskID(id),
		asynq.MaxRetry(1 << 30), asynq.Timeout(24 * time.Hour),
	}
}

// Enqueue puts a job's submit task into the lane; one that is there already is
// left as it is.
func (q *Queue) Enqueue(ctx context.Context, ref job.Ref, generation int, priority job.Priority) error {
	opts := options(q.laneName(priority), taskID(submitTask, ref, generation))
	if err := q.add(ctx, submitTask, ref, opts); err != nil {
		return fmt.Errorf("enqueue job %s: %w", ref, err)
	}
	return nil
}

// Park stores a job's collect task so that it runs after the given time, unless
// it is woken earlier; one that is there already is left as it is.
func (q *Queue) Park(ctx context.Context, ref job.Ref, generation int, after time.Duration) error {
	opts := options(q.collectName(), taskID(collectTask, ref, generation))
	if err := q.add(ctx, collectTask, ref, append(opts, asynq.ProcessIn(wholeSeconds(after)))); err != nil {
		return fmt.Errorf("park collection of job %s: %w", ref, err)
	}
	return nil
}

func (q *Queue) add(ctx context.Context, kind string, ref job.Ref, opts []asynq.Option) error {
	_, err := q.client.EnqueueContext(ctx, asynq.NewTask(kind, []byte(ref.String())), opts...)
	// go-redis repeats a script whose reply was lost, and then meets itself.
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return err
}

// Wake runs a parked collect task now. It reports whether there is such a task:
// one that is pending or running already counts. A task that runs may just have
// decided to park again, so whoever has news wakes it until the job has moved on.
func (q *Queue) Wake(_ context.Context, ref job.Ref, generation int) (bool, error) {
	name, id := q.collectName(), taskID(collectTask, ref, generation)
	err := q.inspector.RunTask(name, id)
	if err == nil {
		return true, nil
	}
	if missing(err) {
		return false, nil
	}
	// Pending or running: asynq tells this in its text alone, so ask for the state.
	there, infoErr := q.exists(name, id)
	if infoErr != nil {
		return false, fmt.Errorf("wake collection of job %s: %w", ref, errors.Join(err, infoErr))
	}
	return there, nil
}

// Submitting reports whether a job's submit task is in the lane.
func (q *Queue) Submitting(_ context.Context, ref job.Ref, generation int, priority job.Priority) (bool, error) {
	there, err := q.exists(q.laneName(priority), taskID(submitTask, ref, generation))
	if err != nil {
		return false, fmt.Errorf("look for submit task of job %s: %w", ref, err)
	}
	return there, nil
}

// Collecting reports whether a job's collect task is there: parked, pending or
// running.
func (q *Queue) Collecting(_ context.Context, ref job.Ref, generation int) (bool, error) {
	there, err := q.exists(q.collectName(), taskID(collectTask, ref, generation))
	if err != nil {
		return false, fmt.Errorf("look for collect task of job %s: %w", ref, err)
	}
	return there, nil
}

func (q *Queue) exists(queue, id string) (bool, error) {
	_, err := q.inspector.GetTaskInfo(queue, id)
	if missing(err) {
		return false, nil
	}
	return err == nil, err
}

func missing(err error) bool {
	return errors.Is(err, asynq.ErrTaskNotFound) || errors.Is(err, asynq.ErrQueueNotFound)
}

// wholeSeconds rounds up and adds one, because asynq cuts times to whole seconds
// and would run a task up to a second early.
func wholeSeconds(d time.Duration) time.Duration {
	return time.Duration(math.Ceil(d.Seconds())+1) * time.Second
}
