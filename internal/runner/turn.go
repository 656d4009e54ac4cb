package runner

import (
	"cmp"
	"context"
	"sync"

	"nightshift/internal/job"
)

// fairQueue lets one handler of the lane at a time ask admission. The next is of the most
// pressing priority, most of the time; of several batches of it, that which was granted
// something the longest ago, so that a small batch does not stand behind the whole window
// of a large one; within a batch the first that came.
type fairQueue struct {
	mu      sync.Mutex
	taken   bool
	passed  int                 // fairQueue that went by priority since one that did not
	waiting map[string][]waiter // by batch
	granted map[string]int64    // by batch, of those that wait or have waited lately
	clock   int64               // grants so far
}

// waiter is a handler that waits.
type waiter struct {
	turn chan struct{} // closed when it is its turn
	rank int           // of its priority, 0 the most pressing
}

// byPriority is how many turns go by priority before one goes to who waits the longest:
// nobody waits for ever.
const byPriority = 9

// grantsKept bounds how many batches are remembered that wait for nothing.
const grantsKept = 1000

func newFairQueue() *fairQueue {
	return &fairQueue{waiting: make(map[string][]waiter), granted: make(map[string]int64)}
}

// tryEnter takes the turn if nobody has it.
func (t *fairQueue) tryEnter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.taken {
		return false
	}
	t.taken = true
	return true
}

// enter waits for the turn of a job of the batch. It returns early with ctx's cause,
// or job.ErrInterrupted when stopping is closed.
func (t *fairQueue) enter(ctx context.Context, batch string, rank int, stopping <-chan struct{}) error {
	turn := make(chan struct{})
	t.mu.Lock()
	if !t.taken {
		t.taken = true
		t.mu.Unlock()
		return nil
	}
	t.waiting[batch] = append(t.waiting[batch], waiter{turn, rank})
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
func (t *fairQueue) giveUp(batch string, turn chan struct{}) {
	t.mu.Lock()
	for i, other := range t.waiting[batch] {
		if other.turn == turn {
			t.waiting[batch] = append(t.waiting[batch][:i], t.waiting[batch][i+1:]...)
			t.mu.Unlock()
			return
		}
	}
	t.mu.Unlock()
	t.leave()
}

// leave ends a turn.
func (t *fairQueue) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	next, found := t.next()
	if !found {
		t.taken = false
		return
	}
	turn := t.waiting[next][0].turn
	t.waiting[next] = t.waiting[next][1:]
	close(turn)
}

// next is the batch whose turn it is.
func (t *fairQueue) next() (next string, found bool) {
	if t.passed++; t.passed > byPriority {
		t.passed = 0
	}
	for batch, waiting := range t.waiting {
		if len(waiting) == 0 {
			delete(t.waiting, batch)
			continue
		}
		if !found || t.before(batch, next) {
			next, found = batch, true
		}
	}
	return next, found
}

// before reports whether the turn of one batch comes before that of another.
func (t *fairQueue) before(a, b string) bool {
	rank := 0 // all alike
	if t.passed > 0 {
		rank = t.waiting[a][0].rank - t.waiting[b][0].rank // a batch has one priority
	}
	return cmp.Or(rank, cmp.Compare(t.granted[a], t.granted[b]), cmp.Compare(a, b)) < 0
}

// served notes that a job of the batch was granted what it needs.
func (t *fairQueue) served(batch string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.granted) > grantsKept {
		clear(t.granted)
	}
	t.clock++
	t.granted[batch] = t.clock
}
