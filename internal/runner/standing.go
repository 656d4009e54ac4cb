package runner

import (
	"context"
	"sync"
	"time"

	"nightshift/internal/job"
)

// standing is what processes tell each other of jobs that wait for a limit: told and
// asked only as often as it matters, however many jobs there are.
type standing struct {
	store Store

	mu    sync.Mutex
	told  map[job.Priority]time.Time
	asked map[job.Priority]time.Time
	ahead map[job.Priority]bool
}

func newStanding(store Store) *standing {
	return &standing{
		store: store,
		told:  make(map[job.Priority]time.Time), asked: make(map[job.Priority]time.Time), ahead: make(map[job.Priority]bool),
	}
}

// tell says that a job of this priority waits.
func (s *standing) tell(ctx context.Context, priority job.Priority) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.told[priority]) < standFor/3 {
		return nil
	}
	err := s.store.Stand(ctx, priority, standFor)
	if err == nil {
		s.told[priority] = time.Now()
	}
	return err
}

// isAhead reports whether jobs wait that go before those of this priority.
func (s *standing) isAhead(ctx context.Context, priority job.Priority) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.asked[priority]) < yieldRest {
		return s.ahead[priority], nil
	}
	ahead, err := s.store.Ahead(ctx, priority)
	if err == nil {
		s.asked[priority], s.ahead[priority] = time.Now(), ahead
	}
	return ahead, err
}
