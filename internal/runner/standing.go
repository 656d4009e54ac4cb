package runner

import (
	"context"
	"sync"
	"time"

	"nightshift/internal/job"
)

// waitingElsewhere is what processes tell each other of jobs that wait for a limit: told and
// asked only as often as it matters, however many jobs there are.
type waitingElsewhere struct {
	store Store

	mu          sync.Mutex
	announced   map[job.Priority]time.Time
	asked       map[job.Priority]time.Time
	higherWaits map[job.Priority]bool
}

func newWaitingElsewhere(store Store) *waitingElsewhere {
	return &waitingElsewhere{
		store:     store,
		announced: make(map[job.Priority]time.Time), asked: make(map[job.Priority]time.Time), higherWaits: make(map[job.Priority]bool),
	}
}

// announce says that a job of this priority waits.
func (s *waitingElsewhere) announce(ctx context.Context, priority job.Priority) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.announced[priority]) < waitingFor/3 {
		return nil
	}
	err := s.store.AnnounceWaiting(ctx, priority, waitingFor)
	if err == nil {
		s.announced[priority] = time.Now()
	}
	return err
}

// higher reports whether jobs wait that go before those of this priority.
func (s *waitingElsewhere) higher(ctx context.Context, priority job.Priority) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.asked[priority]) < yieldRest {
		return s.higherWaits[priority], nil
	}
	ahead, err := s.store.HigherWaiting(ctx, priority)
	if err == nil {
		s.asked[priority], s.higherWaits[priority] = time.Now(), ahead
	}
	return ahead, err
}
