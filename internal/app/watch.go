package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/progress"
	"nightshift/internal/results"
)

type watchOptions struct {
	quiet bool
	json  bool
}

const (
	// landedQueue is how many results may wait to be shown.
	landedQueue = 256
	// watchTick is how often a watcher asks Redis, and bucketTick how often it looks
	// into the bucket: more seldom where that is all there is, since then it reads the
	// logs.
	watchTick       = 500 * time.Millisecond
	bucketTick      = 2 * time.Second
	bucketAloneTick = 5 * time.Second
)

// watch is the command watch: it shows how a batch goes on until it is over.
func watch(ctx context.Context, p Process, s config.Settings, args []string, o watchOptions) error {
	return withFleet(ctx, p, s, func(v *fleetView) error {
		batch, err := v.theOne(ctx, args)
		if err != nil {
			return err
		}
		return v.of(ctx, batch).watch(ctx, batch, time.Now(), o)
	})
}

// watch shows how the batch goes on. Failures are told from a time on; programs are
// told of all results of the order.
func (v *fleetView) watch(ctx context.Context, batch string, since time.Time, o watchOptions) error {
	v.hasty = true
	w := &watcher{fleetView: v, batch: batch, since: since, started: time.Now(), json: o.json, ended: make(chan job.Result, landedQueue)}
	w.log = results.NewLog(v.bucket, batch).Follow(!o.json)
	if err := w.readBucket(ctx); err != nil {
		return err
	}
	style := progress.StyleOf(v.process.Stdout, v.process.Environ, o.quiet, o.json)
	if w.isOver() || w.record.blockage() != nil { // there is nothing to watch
		return w.tellEnd(style)
	}
	if err := w.readWork(ctx); err != nil {
		return err
	}
	view := progress.Start(v.process.Stdout, style, w.snapshot, w.ended)
	if v.blind != "" {
		view.Println(v.blind + "; what runs now and what is waited for is not known, results are counted by the logs in the bucket")
	}
	err := w.follow(ctx)
	view.Stop()
	if ctx.Err() != nil {
		return w.left()
	}
	if err != nil {
		return err
	}
	return w.tellEnd(style)
}

// watcher follows a batch that others work on.
type watcher struct {
	*fleetView
	batch   string
	since   time.Time
	started time.Time
	json    bool
	log     *results.Follower // nil where results come by themselves
	ended   chan job.Result
	news    chan struct{}              // says that the bucket may tell something new; nil from afar
	shown   func(s *progress.Snapshot) // completes what is shown; nil from afar

	record    *batchRecord
	closedFor int // how many looks in a row found that workers have nothing to do with it
	beats     []fleet.Beat

	forecast    time.Duration // from the begin of watching to the end of the batch; 0 if not known
	forecastFor string        // the order

	mu   sync.Mutex
	last progress.Snapshot
}

func (w *watcher) snapshot() progress.Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	shown := w.last
	if w.shown != nil {
		w.shown(&shown)
	}
	return shown
}

// follow looks until the batch is over or blocked, or ctx is done.
func (w *watcher) follow(ctx context.Context) error {
	every := bucketTick
	switch {
	case w.news != nil:
		every = watchTick
	case w.fleet == nil:
		every = bucketAloneTick
	}
	ticker := time.NewTicker(watchTick)
	defer ticker.Stop()
	looked := time.Now()
	for {
		if err := w.bear(w.readLog(ctx)); err != nil {
			return err
		}
		told := false
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		case <-w.news:
			told = true
		}
		inBucket := told || time.Since(looked) >= every
		if inBucket {
			looked = time.Now()
			if err := w.bear(w.readBucket(ctx)); err != nil {
				return err
			}
			if w.isOver() || w.record.blockage() != nil {
				return errors.Join(w.readLog(ctx), w.readWork(ctx))
			}
		}
		if w.fleet != nil || inBucket {
			if err := w.bear(w.readWork(ctx)); err != nil {
				return err
			}
		}
	}
}

// bear takes a bucket that does not answer for what it is, a pause: the workers wait
// for it, too. Other errors come back.
func (w *watcher) bear(err error) error {
	if err == nil || !bucket.Away(err) {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last.Waiting = progress.Wait{Reason: job.WaitStorage, Detail: "it does not answer; the workers wait for it, too"}
	return nil
}

// readBucket reads what the bucket says of the batch.
func (w *watcher) readBucket(ctx context.Context) error {
	open, err := isOpen(ctx, w.bucket, w.batch)
	if err != nil {
		return err
	}
	r, err := readRecord(ctx, w.bucket, w.batch, open)
	if err != nil {
		return err
	}
	w.record = r
	if w.closedFor++; r.open {
		w.closedFor = 0
	}
	return nil
}

// isOver reports whether the batch has come to its end. An order that is just being
// submitted is not taken for one that nobody works on.
func (w *watcher) isOver() bool {
	const sure = 5 // looks
	return w.closedFor > 0 && (w.record.over() || w.record.order == nil || w.closedFor > sure)
}

// readWork brings up to date what is shown. While Redis does not answer, what was last
// known is.
func (w *watcher) readWork(ctx context.Context) error {
	b, err := w.look(ctx)
	if err != nil && w.fleet == nil || ctx.Err() != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.last.Waiting = progress.Wait{Reason: job.WaitBackoff, Detail: "Redis does not answer, and everything waits for it"}
		return nil
	}
	if b.work.gone && w.last.Batch != "" { // what was shown is nearer to the truth
		w.last.Phase = progress.Finishing
		return nil
	}
	w.last = b.snapshot()
	w.last.Forecast = w.foresee(b)
	return nil
}

// foresee is how long it takes, counted from the begin of watching: by the pace at which
// images come home, and while nothing has come by the plan. The view goes on from there
// by what it sees itself.
func (w *watcher) foresee(b *batchStatus) time.Duration {
	if w.forecastFor == b.Order && w.forecast > 0 || b.State != stateRunning {
		return w.forecast
	}
	w.forecast = 0
	switch remaining := b.Images.Total - b.Images.Done; {
	case b.work.pace > 0 && remaining > 0:
		w.forecastFor = b.Order
		w.forecast = time.Since(w.started) + time.Duration(float64(remaining)/b.work.pace*float64(time.Second))
	case b.Images.Done == 0:
		return time.Since(w.started) + b.forecast - time.Since(b.Began)
	}
	return w.forecast
}

func (w *watcher) look(ctx context.Context) (*batchStatus, error) {
	if w.fleet != nil {
		beats, err := w.fleet.Workers(ctx)
		if err != nil {
			return nil, err
		}
		w.beats = beats
	}
	return w.headStatus(ctx, w.record, w.beats)
}

// readLog passes on what came home since it was last asked. Until it is known when the
// order began nothing is read: it could not be told what is of it.
func (w *watcher) readLog(ctx context.Context) error {
	if w.log == nil || !w.record.begun() {
		return nil
	}
	for result, err := range w.log.Next(ctx) {
		if err != nil {
			return err
		}
		from := w.since
		if w.json {
			from = w.record.began.At
		}
		if result.Recorded.Before(from) {
			continue
		}
		select {
		case w.ended <- result:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// left says that the batch goes on without a watcher.
func (w *watcher) left() error {
	if !w.json {
		fmt.Fprintf(w.process.Stdout, "%s goes on\nsee it again with enqueue watch %s, end it with enqueue cancel %s\n", w.batch, w.batch, w.batch)
	}
	return job.ErrInterrupted
}

// tellEnd says how the batch ended, and decides whether all is well.
func (w *watcher) tellEnd(style progress.Style) error {
	r := w.record
	if b := r.blockage(); b != nil && (r.report == nil || r.report.State != results.Blocked) {
		return &job.HintedError{Err: fmt.Errorf("batch %s is blocked: %w", w.batch, b.err), Hint: b.hint}
	} else if b == nil && (r.report == nil || r.order != nil && !r.over()) {
		return &inputError{&job.HintedError{
			Err: fmt.Errorf("batch %s is not worked on and has not ended", w.batch), Hint: "submit its manifest again",
		}}
	}
	if err := w.summary(r).Write(w.process.Stdout, style); err != nil {
		return err
	}
	return outcomeOf(r.report)
}

// outcomeOf decides whether all is well.
func outcomeOf(report *results.Report) error {
	if c := report.Counts; c.Failed+c.NotRun+c.Cancelled > 0 || report.State != results.Complete {
		return errSomeFailed
	}
	return nil
}

// summary is what the person is told of a batch that is over.
func (v *fleetView) summary(r *batchRecord) progress.Summary {
	report := r.report
	s := progress.Summary{
		Batch: report.Batch, Mode: report.Mode, Outcome: progress.Outcome(report.State), Reason: report.Reason, Hint: report.Hint,
		Images: report.Counts.Images, Failures: report.Failures, Requests: report.Requests.Total, Took: report.Ended.Sub(report.Started),
		Folder: v.place(r.batch, ""), Sheet: v.place(r.batch, "index.html"),
	}
	c := report.Counts
	s.Jobs.Total, s.Jobs.Succeeded, s.Jobs.Kept, s.Jobs.Failed = c.Jobs, c.Succeeded, c.Kept, c.Failed
	s.Jobs.Cancelled, s.Jobs.NotRun = c.Cancelled, c.NotRun
	s.CU.Billed, s.CU.Refunded = report.CU.Billed, report.CU.Refunded
	if len(s.Failures) > 0 {
		s.Errors = v.place(r.batch, "errors.jsonl")
	}
	if r.order != nil {
		s.CU.Cap = r.order.Rules.Budget
		s.Fleet = true
		if c.Failed+c.NotRun+c.Cancelled > 0 {
			s.Again = "enqueue retry " + r.batch
		}
	}
	return s
}

// place is where an object of a batch lies, for people.
func (v *fleetView) place(batch, name string) string {
	at := v.bucket.Path(strings.TrimSuffix(batch+"/"+name, "/"))
	if strings.Contains(at, "://") {
		return at
	}
	if absolute, err := filepath.Abs(at); err == nil {
		return absolute
	}
	return at
}
