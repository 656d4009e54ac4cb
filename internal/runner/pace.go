package runner

import (
	"slices"
	"sync"
	"time"
)

const (
	firstPatience = 90 * time.Second // of a collect task whose model was never seen
	keptDurations = 32
)

// pace remembers how long the runs of each model took lately.
type pace struct {
	mu    sync.Mutex
	lasts map[string][]time.Duration
}

func newPace() *pace { return &pace{lasts: make(map[string][]time.Duration)} }

func (p *pace) observe(model string, d time.Duration) {
	if d <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	durations := append(p.lasts[model], d)
	if len(durations) > keptDurations {
		durations = durations[1:]
	}
	p.lasts[model] = durations
}

// fastest is the shortest run of a model seen lately; 0 if none was.
func (p *pace) fastest(model string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.lasts[model]) == 0 {
		return 0
	}
	return slices.Min(p.lasts[model])
}

// slowest is the longest run of a model seen lately; 0 if none was.
func (p *pace) slowest(model string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.lasts[model]) == 0 {
		return 0
	}
	return slices.Max(p.lasts[model])
}

// patience is how long a collect task sleeps before it looks by itself.
func (p *pace) patience(model string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.lasts[model]) == 0 {
		return firstPatience
	}
	return max(firstPatience, 3*slices.Max(p.lasts[model]))
}
