package queue

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
)

// Handler does one step of a job's life. A nil error means that the step is done
// and its outcome, good or bad, is recorded.
type Handler func(ctx context.Context, ref job.Ref) error

// Work says what a process takes out of the queue.
type Work struct {
	Submit, Collect           Handler
	SubmitSlots, CollectSlots int // how many of each at the same time
	// Drain is how long a stopping process lets handlers run before their
	// contexts are cancelled with job.ErrInterrupted.
	Drain time.Duration
	// Poll is how often an idle lane looks for new tasks, and half of it how long a queue
	// of a busy lane is left alone that was empty; the collect queue is looked at five
	// times as often.
	Poll time.Duration
}

// Servers are the asynq servers of one process for one pool: one for the lane
// and one for collect tasks, so that storing never waits behind admission.
type Servers struct {
	servers []*asynq.Server
	drain   time.Duration
	expired context.Context // done when the drain time is over
	expire  context.CancelFunc
}

// cancelled handlers get this long to come back before asynq takes their tasks.
const afterDrain = 45 * time.Second

// Start begins to work. Stop must be called.
func (q *Queue) Start(w Work) (*Servers, error) {
	s := &Servers{drain: w.Drain}
	s.expired, s.expire = context.WithCancel(context.Background())
	lanes := map[string]int{
		q.laneName(job.Urgent): 6, q.laneName(job.Normal): 3, q.laneName(job.Overnight): 1,
	}
	parts := []struct {
		kind    string
		redis   redis.UniversalClient
		handler Handler
		config  asynq.Config
	}{
		{submitTask, q.asynqClient(w.Poll / 2), w.Submit, asynq.Config{Queues: lanes, Concurrency: w.SubmitSlots, TaskCheckInterval: w.Poll}},
		{collectTask, q.asynqClient(0), w.Collect, asynq.Config{
			Queues: map[string]int{q.collectName(): 1}, Concurrency: w.CollectSlots, TaskCheckInterval: w.Poll / 5,
		}},
	}
	for _, part := range parts {
		server := asynq.NewServerFromRedisClient(part.redis, q.config(part.config, w.Drain))
		mux := asynq.NewServeMux()
		mux.HandleFunc(part.kind, s.handle(part.handler))
		if err := server.Start(mux); err != nil {
			s.Stop()
			return nil, fmt.Errorf("start %s server of pool %s: %w", part.kind, q.tag, err)
		}
		s.servers = append(s.servers, server)
	}
	return s, nil
}

func (q *Queue) config(c asynq.Config, drain time.Duration) asynq.Config {
	c.DelayedTaskCheckInterval = time.Second // times are whole seconds, so more often is only load
	c.ShutdownTimeout = drain + afterDrain
	c.RetryDelayFunc = func(retried int, err error, _ *asynq.Task) time.Duration { return judge(err, retried).after }
	c.IsFailure = func(err error) bool { return judge(err, 0).failure }
	c.ErrorHandler = asynq.ErrorHandlerFunc(q.report)
	c.Logger = asynqLogger{q.logger}
	c.LogLevel = asynq.WarnLevel
	return c
}

// report logs failures; waiting and interruptions are no news here.
func (q *Queue) report(ctx context.Context, task *asynq.Task, err error) {
	verdict := judge(err, 0)
	if !verdict.failure {
		return
	}
	attrs := []any{"task", task.Type(), "err", err}
	if ref, unreadable := job.ParseRef(string(task.Payload())); unreadable == nil {
		attrs = append(attrs, "batch_id", ref.Batch, "job_id", string(ref.ID))
	}
	if verdict.archive {
		hint := "the job stays unfinished; run its batch again, and report this line as a fault of the program"
		q.logger.ErrorContext(ctx, "task archived, it will not run again", append(attrs, "hint", hint)...)
		return
	}
	q.logger.WarnContext(ctx, "task failed and will run again", attrs...)
}

func (s *Servers) handle(h Handler) asynq.HandlerFunc {
	return func(ctx context.Context, task *asynq.Task) error {
		ref, err := job.ParseRef(string(task.Payload()))
		if err == nil {
			err = s.run(ctx, h, ref)
		}
		if err != nil && judge(err, 0).archive {
			return fmt.Errorf("%w (%w)", err, asynq.SkipRetry)
		}
		return err
	}
}

// run gives a handler a context of its own, which is cancelled at the end of the
// drain time. asynq's never is: asynq does not wait for a handler whose task
// context is done.
func (s *Servers) run(ctx context.Context, h Handler, ref job.Ref) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.expired, func() { cancel(job.ErrInterrupted) })()
	return h(ctx, ref)
}

// Stop takes no more tasks, waits for the running handlers, cancels them after
// the drain time, and returns when all have come back or lost their task.
func (s *Servers) Stop() {
	timer := time.AfterFunc(s.drain, s.expire)
	defer timer.Stop()
	defer s.expire()
	var stopping sync.WaitGroup
	for _, server := range s.servers {
		stopping.Go(server.Shutdown)
	}
	stopping.Wait()
}

// asynqLogger passes asynq's own messages on.
type asynqLogger struct{ logger *slog.Logger }

func (l asynqLogger) Debug(args ...any) { l.logger.Debug("asynq", "text", fmt.Sprint(args...)) }
func (l asynqLogger) Info(args ...any)  { l.logger.Info("asynq", "text", fmt.Sprint(args...)) }
func (l asynqLogger) Warn(args ...any)  { l.logger.Warn("asynq", "text", fmt.Sprint(args...)) }
func (l asynqLogger) Error(args ...any) { l.logger.Warn("asynq", "text", fmt.Sprint(args...)) }
func (l asynqLogger) Fatal(args ...any) { l.logger.Error("asynq", "text", fmt.Sprint(args...)) }
