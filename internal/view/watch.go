package view

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/progress"
	"nightshift/internal/report"
)

// WatchOptions choose how a batch is shown.
type WatchOptions struct {
	Quiet bool // the end alone
	JSON  bool // a line of JSON for each event
	// Source is what the batch belongs to whose submission is watched; zero: to what it does
	// when the watching begins.
	Source batch.Source
}

const (
	// ResultsQueue is how many results may wait to be shown.
	ResultsQueue = 256
	// watchTick is how often a watcher asks Redis, and bucketTick how often it looks
	// into the bucket: more seldom where that is all there is, since then it reads the
	// logs.
	watchTick       = 500 * time.Millisecond
	bucketTick      = 2 * time.Second
	bucketAloneTick = 5 * time.Second
)

// Watch shows how the batch goes on. Failures are told from a time on; programs are
// told of all results of the submission.
func (v *View) Watch(ctx context.Context, id string, since time.Time, o WatchOptions) error {
	v.Hasty = true
	w := &Watcher{View: v, Batch: id, Source: o.Source, since: since, Started: time.Now(), JSON: o.JSON, Ended: make(chan job.Result, ResultsQueue)}
	w.log = batch.NewLog(v.Bucket, id).Follow(!o.JSON)
	if err := w.ReadBucket(ctx); err != nil {
		return err
	}
	style := progress.StyleOf(v.Process.Stdout, v.Process.Environ, o.Quiet, o.JSON)
	if w.isOver() || w.Record.Blockage() != nil { // there is nothing to watch
		return w.tellEnd(ctx, style)
	}
	if err := w.ReadWork(ctx); err != nil {
		return err
	}
	view := progress.Start(v.Process.Stdout, style, w.Snapshot, w.Ended)
	if v.blind != "" {
		view.Println(v.blind + "; what runs now and what is waited for is not known, results are counted by the logs in the bucket")
	}
	err := w.Follow(ctx)
	view.Stop()
	if ctx.Err() != nil {
		return w.left(ctx)
	}
	if err != nil {
		return err
	}
	return w.tellEnd(ctx, style)
}

// ErrReplaced says that another source has taken over a batch while it was watched.
var ErrReplaced = errors.New("its submission was replaced")

// Watcher follows a batch that others work on.
type Watcher struct {
	*View
	Batch   string
	Source  batch.Source // of the submission that is watched; zero: that of the first that is seen
	since   time.Time
	Started time.Time
	JSON    bool
	log     *batch.Follower // nil where results come by themselves
	Ended   chan job.Result
	News    chan struct{}              // says that the bucket may tell something new; nil from afar
	Shown   func(s *progress.Snapshot) // completes what is shown; nil from afar

	Record    *BatchInfo
	closedFor int // how many polls in a row found it closed
	beats     []fleet.Heartbeat

	Mu   sync.Mutex
	Last progress.Snapshot
}

// Snapshot is what is to be shown now.
func (w *Watcher) Snapshot() progress.Snapshot {
	w.Mu.Lock()
	defer w.Mu.Unlock()
	shown := w.Last
	if w.Shown != nil {
		w.Shown(&shown)
	}
	return shown
}

// Follow polls until the batch is over or blocked, or ctx is done.
func (w *Watcher) Follow(ctx context.Context) error {
	every := bucketTick
	switch {
	case w.News != nil:
		every = watchTick
	case w.Fleet == nil:
		every = bucketAloneTick
	}
	ticker := time.NewTicker(watchTick)
	defer ticker.Stop()
	bucketRead := time.Now()
	for {
		if err := w.bear(w.readLog(ctx)); err != nil {
			return err
		}
		told := false
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		case <-w.News:
			told = true
		}
		inBucket := told || time.Since(bucketRead) >= every
		if inBucket {
			bucketRead = time.Now()
			if err := w.bear(w.ReadBucket(ctx)); err != nil {
				return err
			}
			if w.isOver() || w.Record.Blockage() != nil {
				return errors.Join(w.readLog(ctx), w.ReadWork(ctx))
			}
		}
		if w.Fleet != nil || inBucket {
			if err := w.bear(w.ReadWork(ctx)); err != nil {
				return err
			}
		}
	}
}

// bear takes a bucket that does not answer for what it is, a pause: the workers wait
// for it, too. Other errors come back.
func (w *Watcher) bear(err error) error {
	if err == nil || !bucket.Away(err) {
		return err
	}
	w.Mu.Lock()
	defer w.Mu.Unlock()
	w.Last.Waiting = progress.Wait{Reason: job.WaitStorage, Detail: "it does not answer; the workers wait for it, too"}
	return nil
}

// ReadBucket reads what the bucket says of the batch.
func (w *Watcher) ReadBucket(ctx context.Context) error {
	open, err := batch.IsOpen(ctx, w.Bucket, w.Batch)
	if err != nil {
		return err
	}
	r, err := ReadBatchInfo(ctx, w.Bucket, w.Batch, open)
	if err != nil {
		return err
	}
	if r.Submission != nil {
		if w.Source == (batch.Source{}) {
			w.Source = r.Submission.Source
		}
		if !w.Source.Same(r.Submission.Source) {
			return &job.HintedError{
				Err:  fmt.Errorf("batch %s: %w: it belongs to %s now", w.Batch, ErrReplaced, r.Submission.Source),
				Hint: "what was watched is not worked on any more; submit it under a name of its own with --name",
			}
		}
	}
	w.Record = r
	if w.closedFor++; r.Open {
		w.closedFor = 0
	}
	return nil
}

// isOver reports whether the batch has come to its end. A submission that is just being
// submitted is not taken for one that nobody works on.
func (w *Watcher) isOver() bool {
	const sure = 5 // polls
	return w.closedFor > 0 && (w.Record.Over() || w.Record.Submission == nil || w.Record.abandoned || w.closedFor > sure)
}

// ReadWork brings up to date what is shown. While Redis does not answer, what was last
// known is.
func (w *Watcher) ReadWork(ctx context.Context) error {
	b, err := w.read(ctx)
	if err != nil && w.Fleet == nil || ctx.Err() != nil {
		return err
	}
	w.Mu.Lock()
	defer w.Mu.Unlock()
	if err != nil {
		w.Last.Waiting = progress.Wait{Reason: job.WaitBackoff, Detail: "Redis does not answer, and everything waits for it"}
		return nil
	}
	if b.work.unknownToRedis && w.Last.Batch != "" { // what was shown is nearer to the truth
		w.Last.Phase = progress.Finishing
		return nil
	}
	w.Last = b.snapshot()
	return nil
}

func (w *Watcher) read(ctx context.Context) (*BatchStatus, error) {
	if w.Fleet != nil {
		beats, err := w.Fleet.Workers(ctx)
		if err != nil {
			return nil, err
		}
		w.beats = beats
	}
	return w.headStatus(ctx, w.Record, w.beats)
}

// readLog passes on what was stored since it was last asked. Until it is known when the
// submission began nothing is read: it could not be told what is of it.
func (w *Watcher) readLog(ctx context.Context) error {
	if w.log == nil || !w.Record.hasStarted() {
		return nil
	}
	for result, err := range w.log.Next(ctx) {
		if err != nil {
			return err
		}
		if w.JSON && !result.Of(w.Record.Submission.ID, w.Record.started.At) || !w.JSON && result.Recorded.Before(w.since) {
			continue
		}
		select {
		case w.Ended <- result:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// left says how the batch stands without a watcher.
func (w *Watcher) left(ctx context.Context) error {
	if w.JSON {
		return job.ErrInterrupted
	}
	arg := Arg(context.WithoutCancel(ctx), w.Bucket, w.Batch)
	stands, end := "goes on", "end it with enqueue cancel "+arg
	switch w.Record.State() {
	case StatePaused:
		stands, end = "stays paused", "go on with enqueue resume "+arg
	case StateCancelling:
		stands, end = "is being cancelled", "what was sent is collected"
	case StateWaiting:
		stands = "waits for a worker"
	}
	fmt.Fprintf(w.Process.Stdout, "%s %s\nsee it again with enqueue watch %s, %s\n", w.Batch, stands, arg, end)
	return job.ErrInterrupted
}

// tellEnd says how the batch ended, and decides whether all is well.
func (w *Watcher) tellEnd(ctx context.Context, style progress.Style) error {
	r := w.Record
	if b := r.Blockage(); b != nil && (r.Report == nil || r.Report.State != report.Blocked) {
		fmt.Fprintf(w.Process.Stderr, "error: batch %s is blocked: %v\nhint: %s\n", w.Batch, b.Err, w.named(ctx, r, b.Hint))
		return app.ErrSomeFailed
	} else if b == nil && (r.Report == nil || r.Submission != nil && !r.Over()) {
		hint := "submit its manifest again"
		if r.local() {
			hint = "run its manifest again"
		}
		if r.Submission != nil {
			hint += ": " + w.goesOnWith(ctx, r, new(statusJobs))
		}
		return &job.InputError{Err: &job.HintedError{Err: fmt.Errorf("batch %s is not worked on and has not ended", w.Batch), Hint: hint}}
	}
	if err := w.Summary(ctx, r).Write(w.Process.Stdout, style); err != nil {
		return err
	}
	return OutcomeOf(r.Report)
}

// OutcomeOf decides whether all is well.
func OutcomeOf(sums *report.Report) error {
	if sums.Counts.Missing() > 0 || sums.State != report.Complete {
		return app.ErrSomeFailed
	}
	return nil
}

// Summary tells the person about a batch that is over.
func (v *View) Summary(ctx context.Context, r *BatchInfo) progress.Summary {
	report := r.Report
	s := progress.Summary{
		Batch: report.Batch, Mode: report.Mode, Outcome: report.State, Reason: report.Reason, Hint: v.named(ctx, r, report.Hint),
		Images: report.Counts.Images, Failures: report.Failures, Warned: report.Counts.Warned, ImageWarnings: report.ImageWarnings, Requests: report.Requests.Total, Took: report.Ended.Sub(report.Started),
		Picks:  report.Picks,
		Folder: v.place(r.Batch, ""), Sheet: v.place(r.Batch, "index.html"),
	}
	c := report.Counts
	s.Jobs.Total, s.Jobs.Succeeded, s.Jobs.Kept, s.Jobs.Failed = c.Jobs, c.Succeeded, c.Kept, c.Failed
	s.Jobs.Cancelled, s.Jobs.NotRun, s.Jobs.FailedBefore = c.Cancelled, c.NotRun, c.FailedBefore
	s.CU.FailedBefore = report.Spend.FailedBefore
	s.Jobs.Waiting = c.Waiting
	s.CU.Billed, s.CU.Refunded, s.CU.Spent = report.CU.Billed, report.CU.Refunded, report.Spend.Spent
	if len(s.Failures) > 0 {
		s.Errors = v.place(r.Batch, "errors.jsonl")
	}
	if r.Submission != nil {
		s.CU.Cap = r.Submission.Rules.Budget
		s.Fleet = true
		s.Again = v.again(ctx, r, c.Missing()-c.FailedBefore)
	}
	return s
}

// place is where an object of a batch lies, for people.
func (v *View) place(batch, name string) string {
	at := v.Bucket.Path(strings.TrimSuffix(batch+"/"+name, "/"))
	if strings.Contains(at, "://") {
		return at
	}
	if absolute, err := filepath.Abs(at); err == nil {
		return absolute
	}
	return at
}
