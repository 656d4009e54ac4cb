package runner

import (
	"maps"
	"sync"
	"time"

	"nightshift/internal/job"
)

// Waits is what a lane waits for.
type Waits struct {
	// Reason is "" while nothing waits; Until is a time at which it is worth
	// asking again, and Detail says more to a person.
	Reason job.WaitReason
	Until  time.Time
	Detail string
	// NeedsOperator says that a person must change something before it goes on.
	NeedsOperator bool
	// Total is how long the lane has stood still, by reason.
	Total map[job.WaitReason]time.Duration
}

// waits measures the time in which the lane could send nothing. Only the handler
// at the gate counts, so the times of jobs that wait together are not added up.
type waits struct {
	mu      sync.Mutex
	current Waits
	since   time.Time
	sides   [sides]sideWait
	batches map[string]*job.PostponedError // what batches wait for that were refused last
}

type sideWait struct {
	reason        job.WaitReason
	detail        string
	until         time.Time
	needsOperator bool
}

// What can wait beside the lane. It is shown while the lane itself goes on, and
// does not count as time in which the lane stood still.
const (
	listSide   = iota // at the provider's job list
	storeSide         // storing images
	statusSide        // at runs with a status that nobody knows
	sides
)

// setSide says what one side waits for; nil that it goes on.
func (w *waits) setSide(side int, p *job.PostponedError) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sides[side] = sideWait{}
	if p != nil {
		w.sides[side] = sideWait{reason: p.Reason, detail: p.Detail, until: time.Now().Add(p.After), needsOperator: p.NeedsOperator}
	}
}

func newWaits() *waits {
	return &waits{
		current: Waits{Total: make(map[job.WaitReason]time.Duration)}, batches: make(map[string]*job.PostponedError),
	}
}

// refused says that a job of a batch was refused, for what, or (nil) that one was
// granted what it needs.
func (w *waits) refused(batch string, p *job.PostponedError) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p == nil {
		delete(w.batches, batch)
		return
	}
	w.batches[batch] = p
}

// of is what a batch was refused for last; nil if it was granted something since.
func (w *waits) of(batch string) *job.PostponedError {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.batches[batch]
}

// begin says that the lane waits; a wait of another reason ends there.
func (w *waits) begin(p *job.PostponedError) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.close()
	w.since = time.Now()
	w.current.Reason, w.current.Detail, w.current.NeedsOperator = p.Reason, p.Detail, p.NeedsOperator
	w.current.Until = w.since.Add(p.After)
}

// end says that the lane goes on.
func (w *waits) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.close()
	w.current.Reason, w.current.Detail, w.current.Until, w.current.NeedsOperator = "", "", time.Time{}, false
}

func (w *waits) close() {
	if w.current.Reason != "" {
		w.current.Total[w.current.Reason] += time.Since(w.since)
	}
	w.since = time.Now()
}

func (w *waits) snapshot() Waits {
	w.mu.Lock()
	defer w.mu.Unlock()
	snapshot := w.current
	snapshot.Total = maps.Clone(w.current.Total)
	if snapshot.Reason != "" {
		snapshot.Total[snapshot.Reason] += time.Since(w.since)
		return snapshot
	}
	for _, side := range w.sides {
		if side.reason != "" {
			snapshot.Reason, snapshot.Detail, snapshot.Until, snapshot.NeedsOperator = side.reason, side.detail, side.until, side.needsOperator
		}
	}
	return snapshot
}
