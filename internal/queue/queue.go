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
	"nightshift/internal/rediskeys"
)

// The two kinds of task.
const (
	submitTask  = "submit"
	collectTask = "collect"
)

// Options make a Queue.
type Options struct {
	// Redis bounds every call by its own timeouts and number of tries; a context
	// that is done ends a call between them, or at once with ContextTimeoutEnabled.
	Redis  redis.UniversalClient
	Prefix string // of all keys but asynq's; holds no brace
	Pool   string // name of the key pool: any text but ""
	Logger *slog.Logger
}

// Queue holds the job records and tasks of one key pool.
type Queue struct {
	*Leases
	tag    string // of the pool, in names of queues
	prefix string // of the keys of job records
	redis  redis.UniversalClient
	client *asynq.Client
	logger *slog.Logger
}

// New returns the queue of a pool. It uses the Redis client and never closes it.
func New(o Options) *Queue {
	prefix := poolPrefix(o.Prefix, o.Pool)
	return &Queue{
		Leases: &Leases{redis: o.Redis, prefix: prefix},
		tag:    rediskeys.Tag(o.Pool),
		prefix: prefix,
		redis:  o.Redis,
		client: asynq.NewClientFromRedisClient(o.Redis),
		logger: o.Logger.With("component", "queue"),
	}
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

// wholeSeconds rounds up and adds one, because asynq cuts times to whole seconds
// and would run a task up to a second early.
func wholeSeconds(d time.Duration) time.Duration {
	return time.Duration(math.Ceil(d.Seconds())+1) * time.Second
}
