package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/config"
	"nightshift/internal/queue"
	"nightshift/internal/record"
	"nightshift/internal/runner"
)

const (
	redisPrefix = "ns"
	defaultPool = "default"
	// lanePoll is how often an idle lane looks for tasks.
	lanePoll = 500 * time.Millisecond
)

// engine is one process' share of the work on a key pool: the task servers and
// the watcher.
type engine struct {
	runner  *runner.Runner
	store   *record.Store
	queue   *queue.Queue
	servers *queue.Servers
	watched sync.WaitGroup
	unwatch context.CancelFunc
}

// engineParts are what an engine is made of.
type engineParts struct {
	redis    redis.UniversalClient
	settings config.Settings
	logger   *slog.Logger
	runner   runner.Options // without Store, Tasks, Logger and Grace
}

func newEngine(p engineParts) *engine {
	e := &engine{
		store: record.NewStore(p.redis, redisPrefix, defaultPool),
		queue: queue.New(queue.Options{Redis: p.redis, Pool: defaultPool, Logger: p.logger}),
	}
	options := p.runner
	options.Store, options.Tasks, options.Logger, options.Grace = e.store, e.queue, p.logger, p.settings.Grace
	e.runner = runner.New(options)
	return e
}

// start begins to work on tasks and to watch runs. stop must be called.
func (e *engine) start(ctx context.Context, s config.Settings) error {
	servers, err := e.queue.Start(queue.Work{
		Submit: e.runner.Submit, Collect: e.runner.Collect,
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
