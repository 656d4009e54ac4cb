package runner

import (
	"context"
	"sync"

	"nightshift/internal/job"
)

// turns lets one handler of the lane at a time ask admission. The next is of the batch
// that was granted something the longest ago, so that a small batch does not stand
// behind the whole window of a large one; within a batch the first that came.
type turns struct {
	mu      sync.Mutex
	taken   bool
	waiting map[string][]chan struct{} // by batch; closed when it is its turn
	granted map[string]int64           // by batch, of those that wait or have waited lately
	clock   int64                      // grants so far
}

// grantsKept bounds how many batches are remembered that wait for nothing.
const grantsKept = 1000

func newTurns() *turns {
	return &turns{waiting: make(map[string][]chan struct{}), granted: make(map[string]int64)}
}

// enter waits for the turn of a job of the batch. It returns early with ctx's cause,
// or job.ErrInterrupted when stopping is closed.
func (t *turns) enter(ctx context.Context, batch string, stopping <-chan struct{}) error {
	t.mu.Lock()
	if !t.taken {
		t.taken = true
		t.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	t.waiting[batch] = append(t.waiting[batch], turn)
	t.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		t.giveUp(batch, turn)
		return context.Cause(ctx)
	case <-stopping:
		t.giveUp(batch, turn)
		return job.ErrInterrupted
	}
}

// giveUp takes a waiting handler out, and passes its turn on if it just came.
func (t *turns) giveUp(batch string, turn chan struct{}) {
	t.mu.Lock()
	for i, other := range t.waiting[batch] {
		if other == turn {
			t.waiting[batch] = append(t.waiting[batch][:i], t.waiting[batch][i+1:]...)
			t.mu.Unlock()
			return
		}
	}
	t.mu.Unlock()
	t.leave()
}

// leave ends a turn.
func (t *turns) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	next, found := "", false
	for batch, waiting := range t.waiting {
		switch {
		case len(waiting) == 0:
			delete(t.waiting, batch)
		case !found || t.granted[batch] < t.granted[next] || t.granted[batch] == t.granted[next] && batch < next:
			next, found = batch, true
		}
	}
	if !found {
		t.taken = false
		return
	}
	turn := t.waiting[next][0]
	t.waiting[next] = t.waiting[next][1:]
	close(turn)
}

// served notes that a job of the batch was granted what it needs.
func (t *turns) served(batch string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.granted) > grantsKept {
		clear(t.granted)
	}
	t.clock++
	t.granted[batch] = t.clock
}
