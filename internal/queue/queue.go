package queue

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/rediskeys"
)

// Options make a Queue.
type Options struct {
	// Redis bounds every call by its own timeouts and number of tries; a context
	// that is done ends a call between them, or at once with ContextTimeoutEnabled.
	Redis  redis.UniversalClient
	Prefix string // of all keys but asynq's; holds no brace
	Pool   string // name of the key pool: any text but ""
	Logger *slog.Logger
	// Process is needed by those who claim jobs or recover them.
	Process Process
}

// Process is this process among those that work on the jobs.
type Process interface {
	// Owner names it in what it claims.
	Owner() string
	// Dead returns which of the owners are dead. What they have claimed is taken over,
	// and they can claim nothing more.
	Dead(ctx context.Context, owners []string) ([]string, error)
}

// Queue holds the job records and tasks of one key pool.
type Queue struct {
	tag       string // of the pool, in names of queues
	prefix    string // of the keys of job records
	redis     redis.UniversalClient
	logger    *slog.Logger
	process   Process
	published atomic.Bool // asynq knows the queues
	removed   sync.Map    // ids of tasks that run here and were removed with their job

	// What Recover remembers.
	leases   map[string]runningLease // by task
	repaired time.Time
}

// New returns the queue of a pool. It uses the Redis client and never closes it.
func New(o Options) *Queue {
	q := &Queue{tag: rediskeys.Tag(o.Pool), redis: o.Redis, process: o.Process, logger: o.Logger.With("component", "queue")}
	// The hash tag of the collect queue: some scripts change records and collect tasks.
	q.prefix = o.Prefix + ":{" + q.collectName() + "}:"
	return q
}
