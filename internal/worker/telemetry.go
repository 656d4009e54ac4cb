package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/pool"
	"nightshift/internal/runner"
	"nightshift/internal/telemetry"
)

// telemetryLists are the words that labels of metrics can have.
func telemetryLists() telemetry.Lists {
	lists := telemetry.Lists{Operations: app.Operations()}
	for _, state := range pool.KeyStates {
		lists.KeyStates = append(lists.KeyStates, string(state))
	}
	return lists
}

// serve answers for metrics and health until the worker has stopped.
func (w *Worker) serve(ctx context.Context) error {
	registry := telemetry.NewRegistry()
	w.metrics = telemetry.New(registry, telemetry.Version(), telemetryLists())
	if w.settings.Listen == config.ListenOff {
		return nil
	}
	outlives, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w.metrics.Follow(outlives, w.metricsStatus, w.Logger)
	addr, stop, err := telemetry.Serve(outlives, w.settings.Listen, telemetry.Handler(registry, w.readyChecks, w.Logger), w.Logger)
	if err != nil {
		cancel()
		return &job.InputError{Err: fmt.Errorf("NIGHTSHIFT_LISTEN: %w", err)}
	}
	w.Add("stop serving metrics", func() error {
		defer cancel()
		return stop()
	})
	w.Logger.InfoContext(ctx, "metrics and health are served", "address", addr)
	return nil
}

var errNotWorking = errors.New("it does not take jobs: it starts, restores what Redis lost, or stops")

// readyChecks are what must be so for this worker to take jobs.
func (w *Worker) readyChecks(ctx context.Context) []telemetry.Check {
	checks := []telemetry.Check{
		{Name: "redis", Err: w.Redis.Ping(ctx).Err()},
		{Name: "bucket", Err: w.bucketAnswers(ctx)},
		{Name: "worker"},
	}
	if !w.ready.Load() {
		checks[2].Err = errNotWorking
	}
	return checks
}

// bucketAnswers asks for an object that is not there.
func (w *Worker) bucketAnswers(ctx context.Context) error {
	_, err := w.Bucket.Stat(ctx, probeKey+w.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// metricsStatus is how things stand now. The error is Redis'.
func (w *Worker) metricsStatus(ctx context.Context) (telemetry.Status, error) {
	s := telemetry.Status{
		Bucket: telemetry.FlagOf(w.bucketAnswers(ctx) == nil), Recovering: telemetry.FlagOf(!w.ready.Load()),
		Batches: make(map[string]int),
	}
	for _, batch := range w.knownList() {
		if held := w.known(batch); held != nil {
			s.Batches[batchState(held.control)]++
		}
	}
	var away error
	for _, l := range w.laneList() {
		if l.engine.Load() == nil {
			continue
		}
		err := w.laneStatus(ctx, l, &s)
		if away == nil {
			away = err
		}
	}
	if len(s.Lanes) == 0 {
		away = w.Redis.Ping(ctx).Err()
	}
	return s, away
}

// batchState is what is wanted of a batch in the words of the metrics.
func batchState(c batch.Control) string {
	switch {
	case c.State == batch.ControlCancel:
		return telemetry.BatchCancelling
	case c.Blockage() != nil:
		return telemetry.BatchBlocked
	case c.State == batch.ControlPause:
		return telemetry.BatchPaused
	default:
		return telemetry.BatchActive
	}
}

func (w *Worker) laneStatus(ctx context.Context, l *lane, s *telemetry.Status) error {
	e := l.engine.Load()
	waits := e.runner.Waits()
	seen := telemetry.Lane{Name: l.name, Jobs: make(map[job.State]int), Blocked: waits.Reason, Waited: waits.Total}
	defer func() { s.Lanes = append(s.Lanes, seen) }()
	startable := 0
	for _, batch := range w.knownList() {
		held := w.known(batch)
		if held == nil || held.lane != l {
			continue
		}
		counts, err := e.queue.Counts(ctx, batch)
		if err != nil {
			return err
		}
		for state, jobs := range counts.Jobs {
			if !state.Final() {
				seen.Jobs[state] += jobs
			}
		}
		if !l.limiter.Closed(batch) {
			startable += counts.Jobs[job.Queued]
		}
		if counts.Jobs[job.Unknown] > 0 {
			open, err := held.questions.Open(ctx)
			if err != nil {
				w.Logger.WarnContext(ctx, "open questions not read", "batch_id", batch, "err", err)
			}
			seen.Questions += len(open)
		}
	}
	limits, err := l.limiter.Status(ctx, nil)
	if err != nil {
		return err
	}
	seen.Useful = seen.Jobs[job.Storing] + min(startable, headroomOf(limits.Keys))
	for _, key := range limits.Keys {
		s.Keys = append(s.Keys, telemetry.Key{
			ID: key.ID, State: string(key.State), RequestsLeft: key.RequestsLeft, Running: key.Running, Ceiling: key.Ceiling,
		})
	}
	for _, c := range limits.Caps {
		s.Caps = append(s.Caps, telemetry.Cap{Scope: c.Scope, Name: c.Name, Period: c.Period, Used: c.Spent + c.Reserved, Limit: c.Cap})
	}
	return nil
}

// headroomOf is how many more jobs the limits of some keys let start within a minute.
// Keys of one team or project share theirs, so that each of these counts once.
func headroomOf(keys []pool.KeyStatus) int {
	room := 0
	seen := make(map[string]bool)
	for _, key := range keys {
		shared := key.Team + "\x00" + key.Project
		if key.State != pool.KeyReady || seen[shared] {
			continue
		}
		seen[shared] = true
		free := key.RequestsLeft
		if key.Ceiling > 0 && (free < 0 || key.Ceiling-key.Running < free) {
			free = key.Ceiling - key.Running
		}
		if free < 0 {
			return 1 << 30 // no limit at all
		}
		room += free
	}
	return room
}

// answered counts what became of a paid request.
func (w *Worker) answered(a runner.Answer) { w.metrics.Submission(string(a)) }

// timedImages tells how long images take to store.
type timedImages struct {
	images
	stored func(time.Duration)
}

func (t timedImages) Store(ctx context.Context, wish runner.ImageTarget, body io.Reader, length int64) (job.Image, error) {
	began := time.Now()
	image, err := t.images.Store(ctx, wish, body, length)
	if err == nil {
		t.stored(time.Since(began))
	}
	return image, err
}
