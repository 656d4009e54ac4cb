package worker

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/queue"
	"nightshift/internal/runner"
)

// lanePoll is how often an idle lane looks for tasks.
const lanePoll = 500 * time.Millisecond

// engine is one process' share of the work on a pool of jobs: the task servers and
// the watcher.
type engine struct {
	runner  *runner.Runner
	queue   *queue.Queue
	submit  queue.Handler
	collect queue.Handler
	servers *queue.Servers
	watched sync.WaitGroup
	unwatch context.CancelFunc
}

// engineParts are what an engine is made of.
type engineParts struct {
	redis    redis.UniversalClient
	prefix   string // of all keys of the bucket
	pool     string // of the jobs
	member   *fleet.Member
	settings config.Settings
	logger   *slog.Logger
	runner   runner.Options // without Store, Tasks, Lease, Logger and Grace
	// submitting and storing, if set, count the handlers at work.
	submitting, storing *atomic.Int32
}

func newEngine(p engineParts) *engine {
	e := &engine{
		queue: queue.New(queue.Options{Redis: p.redis, Prefix: p.prefix, Pool: p.pool, Logger: p.logger, Process: p.member}),
	}
	options := p.runner
	options.Store, options.Tasks, options.Logger, options.Grace = e.queue, e.queue, p.logger, p.settings.Grace
	options.Lease = watchLease{p.member, fleet.WatchLease(p.pool)}
	e.runner = runner.New(options)
	e.submit, e.collect = counting(p.submitting, e.runner.Submit), counting(p.storing, e.runner.Collect)
	return e
}

// watchLease is the lease on watching the jobs of a pool.
type watchLease struct {
	member *fleet.Member
	name   string
}

func (l watchLease) Hold(ctx context.Context) (bool, error) {
	lease, err := l.member.Hold(ctx, l.name)
	return lease != nil, err
}

func (l watchLease) Drop(ctx context.Context) error { return l.member.Drop(ctx, l.name) }

// counting counts how many of a handler are at work.
func counting(atWork *atomic.Int32, h queue.Handler) queue.Handler {
	if atWork == nil {
		return h
	}
	return func(ctx context.Context, ref job.Ref) error {
		atWork.Add(1)
		defer atWork.Add(-1)
		return h(ctx, ref)
	}
}

// start begins to work on tasks and to watch runs. stop must be called.
func (e *engine) start(ctx context.Context, s config.Settings) error {
	servers, err := e.queue.Start(queue.Work{
		Submit: e.submit, Collect: e.collect,
		SubmitSlots: s.SubmitSlots, CollectSlots: s.CollectSlots, Drain: s.Drain, Poll: lanePoll,
	})
	if err != nil {
		return err
	}
	e.servers = servers
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	e.unwatch = unwatch
	e.watched.Go(func() { e.runner.Watch(watching) })
	return nil
}

// stop takes no more tasks, lets what was begun come to its end within the drain
// time, and returns when everything has.
func (e *engine) stop() {
	e.runner.Stop()
	e.servers.Stop()
	e.unwatch()
	e.watched.Wait()
}
