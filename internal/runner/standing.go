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
	done := time.Since(s.announced[priority]) < waitingFor/3
	if !done {
		s.announced[priority] = time.Now() // nobody waits for Redis behind who tells it
	}
	s.mu.Unlock()
	if done {
		return nil
	}
	err := s.store.AnnounceWaiting(ctx, priority, waitingFor)
	if err != nil {
		s.mu.Lock()
		delete(s.announced, priority)
		s.mu.Unlock()
	}
	return err
}

// higher reports whether jobs wait that go before those of this priority.
func (s *waitingElsewhere) higher(ctx context.Context, priority job.Priority) (bool, error) {
	s.mu.Lock()
	known, before := time.Since(s.asked[priority]) < yieldRest, s.higherWaits[priority]
	if !known {
		s.asked[priority] = time.Now() // others go by what was known until there is an answer
	}
	s.mu.Unlock()
	if known {
		return before, nil
	}
	ahead, err := s.store.HigherWaiting(ctx, priority)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		delete(s.asked, priority)
		return false, err
	}
	s.higherWaits[priority] = ahead
	return ahead, nil
}
