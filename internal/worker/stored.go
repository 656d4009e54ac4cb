package worker

import (
	"sync"
	"time"

	"nightshift/internal/fleet"
)

const (
	// paceSpan is how far a pace looks back, and paceStep in which steps.
	paceSpan = 5 * time.Minute
	paceStep = 10 * time.Second
)

// storedTimes counts what was stored in the last minutes, by batch. Its zero value is
// ready; it is safe for use by many goroutines.
type storedTimes struct {
	mu      sync.Mutex
	batches map[string]*storedBatch
}

type storedBatch struct{ steps []storedStep }

type storedStep struct {
	at           time.Time
	jobs, images int
}

// add counts a job with its images.
func (l *storedTimes) add(batch string, images int, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.batches == nil {
		l.batches = make(map[string]*storedBatch)
	}
	b := l.batches[batch]
	if b == nil {
		b = new(storedBatch)
		l.batches[batch] = b
	}
	at := now.Truncate(paceStep)
	if len(b.steps) == 0 || !b.steps[len(b.steps)-1].at.Equal(at) {
		b.steps = append(b.steps, storedStep{at: at})
	}
	last := &b.steps[len(b.steps)-1]
	last.jobs++
	last.images += images
}

// recent is what was stored in the last minutes. What is counted begins behind the first
// step, since the time in which that was stored began earlier. A batch of which nothing
// was stored is forgotten.
func (l *storedTimes) recent(now time.Time) map[string]fleet.Stored {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make(map[string]fleet.Stored)
	for batch, b := range l.batches {
		for len(b.steps) > 0 && now.Sub(b.steps[0].at) > paceSpan {
			b.steps = b.steps[1:]
		}
		if len(b.steps) == 0 {
			delete(l.batches, batch)
			continue
		}
		sum := fleet.Stored{Seconds: max(0, now.Sub(b.steps[0].at)-paceStep).Seconds()}
		for _, step := range b.steps[1:] {
			sum.Jobs += step.jobs
			sum.Images += step.images
		}
		all[batch] = sum
	}
	return all
}
