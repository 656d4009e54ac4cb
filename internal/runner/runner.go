package runner

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"nightshift/internal/job"
)

// Options are the parts of a Runner; all are needed but those of which it says so.
type Options struct {
	APIKeys   APIKeys
	Admission Admission
	Store     Store
	Tasks     Tasks
	Lease     Lease
	Images    Images
	Pictures  Pictures
	Results   func(batch string) Results
	Attempts  func(batch string) Attempts
	Decisions func(batch string) Decisions
	Logger    *slog.Logger

	// Stored, if set, is called with each result after it was recorded.
	Stored func(batch string, r job.Result)
	// NeedsOperator, if set, is called with an error that no waiting will mend, such as a
	// full disk; the work goes on trying.
	NeedsOperator func(batch string, err error)
	// OverQuote, if set, is called when a run was billed above its quote, after the
	// bill was settled.
	OverQuote func(ref job.Ref, row string, quote, billed job.CU)
	// Inspect, if set, looks at the pixels of an image that was stored, and says what is
	// wrong with them; "" if nothing is. An error is one of the bucket.
	Inspect func(ctx context.Context, batch string, stored job.Image) (flaw string, err error)
	// Outcome, if set, is called with what became of each paid request.
	Outcome func(Answer)
	// Sending, if set, says whether a job that was granted may still be sent, now that it
	// has waited for its place in the request rate; sent is called when the request is over.
	Sending func(batch string) (sent func(), open bool)

	// Grace is how long a lost submission must stay absent from the provider's
	// complete list before it is sent again.
	Grace time.Duration
}

// Answer is what became of a paid request.
type Answer string

// The answers.
const (
	Accepted    Answer = "accepted" // the provider named a run
	TurnedAway  Answer = "refused"  // nothing was started
	ReplyIsLost Answer = "lost"     // nobody knows yet
)

func (r *Runner) answered(a Answer) {
	if r.Outcome != nil {
		r.Outcome(a)
	}
}

// Runner does the steps of the jobs of one key pool.
type Runner struct {
	Options
	waits     *waits
	pace      *pace
	turns     *fairQueue
	elsewhere *waitingElsewhere
	freed     chan struct{} // something was given back to admission
	took      chan struct{} // the feed has a reason to look at its window
	stopping  chan struct{}
	outages   atomic.Int32 // submissions in a row that never reached the provider

	// gone counts how often the provider did not have what a job takes.
	gone sync.Map

	// recorded are jobs whose result is in the log and whose end Redis does not know, by
	// attempt.
	recorded sync.Map
}

// New returns a Runner.
func New(o Options) *Runner {
	o.Logger = o.Logger.With("component", "runner")
	return &Runner{
		Options:   o,
		waits:     newWaits(),
		pace:      newPace(),
		turns:     newFairQueue(),
		elsewhere: newWaitingElsewhere(o.Store),
		freed:     make(chan struct{}, 1),
		took:      make(chan struct{}, 1),

		stopping: make(chan struct{}),
	}
}

// Stop lets waiting handlers go back to the queue; those that are sending or
// storing go on. It is called once, before the servers are stopped.
func (r *Runner) Stop() { close(r.stopping) }

// Waits says what the lane waits for now, and how long it has waited for what.
func (r *Runner) Waits() Waits { return r.waits.snapshot() }

// WaitOf is what a job of the batch was refused for last in this process; nil if one was
// granted what it needs since.
func (r *Runner) WaitOf(batch string) *job.PostponedError { return r.waits.of(batch) }

// signal wakes whoever waits on c, now or next.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// recording gives what must be written down even though ctx was cancelled a
// context with a short time of its own.
func recording(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
}

// pause waits for d. It returns early with ctx's cause when ctx is done, and with
// job.ErrInterrupted when the runner stops.
func (r *Runner) pause(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-wake:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-r.stopping:
		return job.ErrInterrupted
	}
}
