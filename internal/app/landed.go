package app

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

// landedTimes counts what came home in the last minutes, by batch. Its zero value is
// ready; it is safe for use by many goroutines.
type landedTimes struct {
	mu      sync.Mutex
	batches map[string]*landedBatch
}

type landedBatch struct {
	since time.Time // of the first
	steps []landedStep
}

type landedStep struct {
	at           time.Time
	jobs, images int
}

// landed counts a job with its images.
func (l *landedTimes) landed(batch string, images int, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.batches == nil {
		l.batches = make(map[string]*landedBatch)
	}
	b := l.batches[batch]
	if b == nil {
		b = &landedBatch{since: now}
		l.batches[batch] = b
	}
	at := now.Truncate(paceStep)
	if len(b.steps) == 0 || !b.steps[len(b.steps)-1].at.Equal(at) {
		b.steps = append(b.steps, landedStep{at: at})
	}
	last := &b.steps[len(b.steps)-1]
	last.jobs++
	last.images += images
}

// recent is what came home in the last minutes. A batch of which nothing did is
// forgotten.
func (l *landedTimes) recent(now time.Time) map[string]fleet.Landed {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make(map[string]fleet.Landed)
	for batch, b := range l.batches {
		for len(b.steps) > 0 && now.Sub(b.steps[0].at) > paceSpan {
			b.steps = b.steps[1:]
		}
		if len(b.steps) == 0 {
			delete(l.batches, batch)
			continue
		}
		sum := fleet.Landed{Seconds: min(now.Sub(b.since), paceSpan).Seconds()}
		for _, step := range b.steps {
			sum.Jobs += step.jobs
			sum.Images += step.images
		}
		all[batch] = sum
	}
	return all
}
