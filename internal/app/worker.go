package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/spf13/cobra"

	"nightshift/internal/admission"
	"nightshift/internal/backoff"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/telemetry"
)

// Worker is the program worker. It returns the exit code. When ctx ends it stops
// within the drain time.
func Worker(ctx context.Context, p Process) int {
	logging.Disable() // the Redis client's own log; what it tells comes back as errors, too
	root := &cobra.Command{
		Use:   "worker",
		Short: "Run the jobs that were submitted to a fleet",
		Long: `Run the jobs of all batches that were submitted to the bucket, together with any
number of other workers on the same bucket and Redis. Everything is configured by
environment variables; see docs/configuration.md. A worker holds no state: it may be
killed, moved and added to at any time. SIGTERM stops it within NIGHTSHIFT_DRAIN.

Exit codes: 0 stopped as asked, 1 unexpected error, 2 wrong settings.`,
		Example:       "  worker\n  worker doctor",
		Args:          noArguments,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
		RunE:          func(cmd *cobra.Command, _ []string) error { return runWorker(cmd.Context(), p) },
	}
	root.AddCommand(&cobra.Command{
		Use:   "doctor",
		Short: "Check Redis, bucket and API keys, and work on nothing",
		Long: `Check everything that a worker needs: the version and settings of Redis, what the
bucket can do, and every API key, with a free request. Each line says what was found,
and how to mend what is wrong.

Exit codes: 0 a worker can work so, 2 something must be mended first.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return doctor(cmd.Context(), p) },
	}, &cobra.Command{
		Use:   "health",
		Short: "Ask the worker on this machine whether it takes jobs",
		Long: `Ask the worker that listens at NIGHTSHIFT_LISTEN whether it takes jobs, for
containers' health checks.

Exit codes: 0 it takes jobs, 1 it does not, or none answers.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return health(cmd.Context(), p) },
	})
	root.SetArgs(p.Args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	began := false
	root.PersistentPreRun = func(*cobra.Command, []string) { began = true }
	err := root.ExecuteContext(ctx)
	if err != nil && !began {
		err = &inputError{err}
	}
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled) || errors.Is(err, job.ErrInterrupted)) {
		return exitDone // it was asked to stop
	}
	return exitCode(context.WithoutCancel(ctx), p.Stderr, err)
}

// worker is one member of a fleet.
type worker struct {
	cleanup
	process   Process
	settings  config.Settings
	logger    *slog.Logger
	name      string
	started   time.Time
	bucket    objects
	redis     redis.UniversalClient
	prefix    string // of all keys of the bucket in Redis
	admission *admission.Admission
	fleet     *fleet.Fleet
	member    *fleet.Member
	thumbs    *thumbnailer
	metrics   *telemetry.Metrics
	requests  *workCounts
	ready     atomic.Bool // it takes jobs
	observer  observer

	// Of a worker within another command: the one batch that it knows of, "" for all; and
	// the API keys that it shares with the command.
	only     string
	api      *api
	keysFile string // to be watched; "" for none

	mu      sync.RWMutex
	lanes   map[string]*lane
	batches map[string]*heldBatch
	folders map[string]*sharedFolder
	tends   map[string]bool   // batches that this worker feeds and reports on
	trouble map[string]string // by batch; "" is the worker itself
	stuckBy map[string]error  // what no waiting will end, by batch

	pace landedTimes
	told toldTroubles
}

// runWorker is the command worker: checks, then works until ctx is done.
func runWorker(ctx context.Context, p Process) (err error) {
	w, err := newWorker(ctx, p)
	if w != nil {
		defer func() { err = errors.Join(err, w.cleanup.run()) }()
	}
	if err != nil {
		return err
	}
	if err := w.meet(ctx); err != nil {
		return err
	}
	if err := w.startChecked(ctx); err != nil {
		return err
	}
	if err := w.serve(ctx); err != nil {
		return err
	}
	w.logger.InfoContext(ctx, "worker started", "worker", w.name, "version", version(), "bucket", w.bucket.Path(""))
	defer w.logger.InfoContext(ctx, "worker stopped", "worker", w.name)
	w.work(ctx)
	return nil
}

// work works in one life of Redis after the other until ctx is done.
func (w *worker) work(ctx context.Context) {
	var watching sync.WaitGroup
	defer watching.Wait()
	if w.keysFile != "" {
		watching.Go(func() { w.watchKeys(ctx) })
	}
	for ctx.Err() == nil {
		err := w.oneLife(ctx)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, errLifeOver):
			w.logger.WarnContext(ctx, "redis lost its state; going on from what the bucket and the provider know")
			w.observer.tell("Redis lost its state; going on from what the folder and the provider know")
		case err != nil:
			w.note("", err.Error())
			w.logger.ErrorContext(ctx, "worker does not get to work, trying again", "err", err, "hint", job.Hint(err))
			if !passes(err) {
				w.observer.isBlocked(blockage{err: err, hint: job.Hint(err)})
			}
			rest(ctx, restoreRest)
		}
	}
}

// emptyWorker is a worker that is not connected to anything.
func emptyWorker(p Process, s config.Settings, name string) *worker {
	return &worker{
		process: p, settings: s, name: name, started: time.Now(), keysFile: s.KeysFile, requests: newWorkCounts(),
		lanes: make(map[string]*lane), batches: make(map[string]*heldBatch), folders: make(map[string]*sharedFolder),
		tends: make(map[string]bool), trouble: make(map[string]string), stuckBy: make(map[string]error),
	}
}

func newWorker(ctx context.Context, p Process) (*worker, error) {
	settings, err := config.Load(p.Environ)
	if err != nil {
		return nil, &inputError{err}
	}
	w := emptyWorker(p, settings, settings.Worker)
	if w.logger, err = newLogger(p.Stderr, settings, slog.LevelInfo); err != nil {
		return nil, err
	}
	if w.name == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("name this worker: %w", err)
		}
		w.name = host + "-" + strconv.Itoa(os.Getpid())
	}
	if w.bucket, err = openBucket(ctx, settings, w.logger); err != nil {
		return w, err
	}
	return w, nil
}

// meet connects to Redis, for which it waits.
func (w *worker) meet(ctx context.Context) (err error) {
	if w.redis, err = fleetRedis(ctx, w.process, w.settings, w.logger); err != nil {
		return err
	}
	if w.process.redis == nil {
		w.add("close Redis", w.redis.Close)
	}
	id, err := claimFleet(ctx, fleet.NewClaims(w.redis), w.settings.Fleet, w.bucket)
	if err != nil {
		return err
	}
	w.prefix = prefixOf(id)
	return w.join(ctx, admission.New(admission.Options{Redis: w.redis, Prefix: w.prefix}))
}

// join makes what the worker needs of its Redis and its bucket.
func (w *worker) join(ctx context.Context, a *admission.Admission) (err error) {
	w.admission, w.fleet = a, fleet.New(w.redis, w.prefix)
	if w.member, err = w.fleet.Join(ctx, w.name, w.logger); err != nil {
		return err
	}
	w.add("leave the fleet", func() error { leaveFleet(ctx, w.member, w.logger); return nil })
	w.metrics = telemetry.New(telemetry.NewRegistry(), version(), telemetryLists())
	w.thumbs = newThumbnailer(ctx, w.bucket, w.logger)
	w.add("finish thumbnails", func() error { w.thumbs.stop(); return nil })
	return nil
}

// note tells those who look at the fleet what keeps a batch, or the worker itself
// (""), from going on; "" that nothing does.
func (w *worker) note(batch, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if text == "" {
		delete(w.trouble, batch)
		return
	}
	w.trouble[batch] = text
}

// heldBatch is a batch that the fleet has to do with, as this worker knows it.
type heldBatch struct {
	*sharedFolder
	order   *order
	control control
	lane    *lane
	begun   bool // the order; before that what is queued is of another one
}

// rules are those by which jobs of the batch may start.
func (h *heldBatch) rules() batchRules {
	rules := batchRules{name: h.order.Name, budget: h.order.Rules.Budget, window: h.order.Rules.Window, paused: h.control.closed()}
	if rules.paused == "" && !h.begun {
		rules.paused = "its order is about to begin"
	}
	return rules
}

// knows names what is wanted of the batch, for others to see that it is known here.
func (h *heldBatch) knows() string { return h.order.ID + " " + string(h.control.State) }

// rest waits, or returns early when ctx is done.
func rest(ctx context.Context, d time.Duration) { _ = backoff.Sleep(ctx, d) }
