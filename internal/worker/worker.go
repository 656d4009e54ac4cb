package worker

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

	"nightshift/internal/admission"
	"nightshift/internal/app"
	"nightshift/internal/backoff"
	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/pool"
	"nightshift/internal/report"
	"nightshift/internal/telemetry"
	"nightshift/internal/upload"
)

// Worker is one member of a fleet.
type Worker struct {
	app.Cleanup
	process   app.Process
	settings  config.Settings
	Logger    *slog.Logger
	name      string
	started   time.Time
	Bucket    bucket.Objects
	Redis     redis.UniversalClient
	Prefix    string       // of all keys of the bucket in Redis
	Serving   *app.Serving // keeps the bucket to this Redis; nil where that is the process' own
	admission *admission.Admission
	fleet     *fleet.Fleet
	member    *fleet.Member
	thumbs    *thumbnailer
	uploads   *upload.Uploads
	metrics   *telemetry.Metrics
	Requests  *workCounts
	ready     atomic.Bool // it takes jobs
	Observer  Observer

	// Of a worker within another command: the one batch that it knows of, "" for all; and
	// the API keys that it shares with the command.
	Only     string
	API      *pool.API
	KeysFile string // to be watched; "" for none

	mu        sync.RWMutex
	lanes     map[string]*lane
	batches   map[string]*knownBatch
	folders   map[string]*sharedFolder
	leads     map[string]bool   // batches that this worker feeds and reports on
	trouble   map[string]string // by batch; "" is the worker itself
	blockages map[string]error  // what no waiting will end, by batch

	sends    sends         // under way
	settled  chan struct{} // says that the last one of an earlier version is over
	newsRead atomic.Int64  // up to where the news were read

	pace   storedTimes
	logged loggedTroubles
}

// Run is the command worker: checks, then works until ctx is done.
func Run(ctx context.Context, p app.Process) (err error) {
	w, err := newWorker(ctx, p)
	if w != nil {
		defer func() { err = errors.Join(err, w.Cleanup.Run()) }()
	}
	if err != nil {
		return err
	}
	if err := w.connect(ctx); err != nil {
		return err
	}
	if err := w.startChecked(ctx); err != nil {
		return err
	}
	if err := w.serve(ctx); err != nil {
		return err
	}
	w.Logger.InfoContext(ctx, "worker started", "worker", w.name, "version", telemetry.Version(), "bucket", w.Bucket.Path(""))
	defer w.Logger.InfoContext(ctx, "worker stopped", "worker", w.name)
	w.Work(ctx)
	return nil
}

// Work works in one epoch of Redis after the other until ctx is done.
func (w *Worker) Work(ctx context.Context) {
	var watching sync.WaitGroup
	defer watching.Wait()
	if w.KeysFile != "" {
		watching.Go(func() { w.watchKeys(ctx) })
	}
	for ctx.Err() == nil {
		err := w.oneEpoch(ctx)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, errEpochOver):
			w.Logger.WarnContext(ctx, "redis lost its state; going on from what the bucket and the provider know")
			w.Observer.tell("Redis lost its state; going on from what the folder and the provider know")
		case err != nil:
			w.note("", err.Error())
			w.Logger.Log(ctx, severity(err), "worker does not get to work, trying again", "err", err, "hint", job.Hint(err))
			if !passes(err) {
				w.Observer.isBlocked(batch.Blockage{Err: err, Hint: job.Hint(err)})
			}
			rest(ctx, restorePause)
		}
	}
}

// New is a worker that is not connected to anything.
func New(p app.Process, s config.Settings, name string) *Worker {
	return &Worker{
		process: p, settings: s, name: name, started: time.Now(), KeysFile: s.KeysFile, Requests: newWorkCounts(),
		lanes: make(map[string]*lane), batches: make(map[string]*knownBatch), folders: make(map[string]*sharedFolder),
		leads: make(map[string]bool), trouble: make(map[string]string), blockages: make(map[string]error),
		sends: make(sends), settled: make(chan struct{}, 1),
	}
}

func newWorker(ctx context.Context, p app.Process) (*Worker, error) {
	settings, err := config.Load(p.Environ)
	if err != nil {
		return nil, &job.InputError{Err: err}
	}
	w := New(p, settings, settings.Worker)
	if w.Logger, err = app.NewLogger(p.Stderr, settings, slog.LevelInfo); err != nil {
		return nil, err
	}
	if w.name == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("name this worker: %w", err)
		}
		w.name = host + "-" + strconv.Itoa(os.Getpid())
	}
	if w.Bucket, err = app.OpenBucket(ctx, settings, w.Logger); err != nil {
		return w, err
	}
	if p.Bucket != nil {
		w.Bucket = p.Bucket(w.Bucket)
	}
	return w, nil
}

// connect connects to Redis and joins the fleet. It waits for a Redis or a bucket that is
// away.
func (w *Worker) connect(ctx context.Context) (err error) {
	if w.Redis, err = app.FleetRedis(ctx, w.process, w.settings, w.Logger); err != nil {
		return err
	}
	if w.process.Redis == nil {
		w.Add("close Redis", w.Redis.Close)
	}
	for {
		err := w.enter(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !passes(err) && !bucket.Full(err):
			return err
		}
		w.Logger.WarnContext(ctx, "redis or bucket cannot be used at the moment, waiting for it", "err", err, "hint", job.Hint(err))
		rest(ctx, awayRest)
	}
}

// enter makes this worker a member of the fleet that works on its bucket.
func (w *Worker) enter(ctx context.Context) error {
	id, err := app.ClaimFleet(ctx, fleet.NewClaims(w.Redis), w.settings.Fleet, w.Bucket)
	if err != nil {
		return err
	}
	w.Prefix = app.RedisPrefix(id)
	w.Serving = app.NewServing(w.Redis, w.settings, w.Bucket, id)
	w.Serving.Waits = func(text string) {
		w.Logger.WarnContext(ctx, "bucket was used with another redis", "err", text)
		w.note("", text)
	}
	if err := w.Serving.Begin(ctx); err != nil {
		return err
	}
	return w.Join(ctx, admission.New(admission.Options{Redis: w.Redis, Prefix: w.Prefix}))
}

// Join makes what the worker needs of its Redis and its bucket.
func (w *Worker) Join(ctx context.Context, a *admission.Admission) (err error) {
	w.admission, w.fleet = a, fleet.New(w.Redis, w.Prefix)
	if w.member, err = w.fleet.Join(ctx, w.name, w.Logger); err != nil {
		return err
	}
	w.Add("leave the fleet", func() error { leaveFleet(ctx, w.member, w.Logger); return nil })
	w.metrics = telemetry.New(telemetry.NewRegistry(), telemetry.Version(), telemetryLists())
	w.thumbs = &thumbnailer{report.NewThumbnails(w.Bucket), w.Logger}
	w.uploads = &upload.Uploads{Bucket: w.Bucket, Lease: w.uploadLease, Grace: w.settings.Grace, Logger: w.Logger.With("component", "upload")}
	return nil
}

// note tells those who look at the fleet what keeps a batch, or the worker itself
// (""), from going on; "" that nothing does.
func (w *Worker) note(batch, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if text == "" {
		delete(w.trouble, batch)
		return
	}
	w.trouble[batch] = text
}

// knownBatch is an open batch as this worker knows it.
type knownBatch struct {
	*sharedFolder
	submission *batch.Submission
	control    batch.Control
	lane       *lane
	started    bool // the submission; before that what is queued is of another one
}

// rules are those by which jobs of the batch may start.
func (h *knownBatch) rules() pool.BatchRules {
	rules := pool.BatchRules{Name: h.submission.Name, Budget: h.submission.Rules.Budget, Window: h.submission.Rules.Window, Paused: h.control.Closed()}
	if !h.started {
		rules.Soon = "its submission is about to begin"
	}
	return rules
}

// version names what is wanted of the batch, for others to see that it is known here.
func (h *knownBatch) version() string { return h.submission.Version(h.control.State) }

// rest waits, or returns early when ctx is done.
func rest(ctx context.Context, d time.Duration) { _ = backoff.Sleep(ctx, d) }
