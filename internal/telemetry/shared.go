package telemetry

import (
	"context"
	"errors"
	"sync"
	"time"
)

// askTime is how long somebody who looks waits for an answer. A reading is
// cancelled a little earlier, so that it can still hand over what it has.
const (
	askTime   = 2 * time.Second
	spareTime = 200 * time.Millisecond
)

var errNoAnswer = errors.New("no answer in time")

// shared lets everybody who looks at the same time have the same reading. There is
// never more than one, even if it hangs and ignores that it was cancelled.
type shared[T any] struct {
	read func(context.Context) (T, error)

	mu      sync.Mutex
	current *reading[T]
}

type reading[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// ask waits for a reading, at most askTime and until ctx is done. A reading that
// begins here lives as long as life at most.
func (s *shared[T]) ask(ctx, life context.Context) (value T, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, askTime, errNoAnswer)
	defer cancel()
	r := s.join(life)
	select {
	case <-r.done:
		return r.value, r.err
	case <-ctx.Done():
		return value, context.Cause(ctx)
	}
}

func (s *shared[T]) join(life context.Context) *reading[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		s.current = &reading[T]{done: make(chan struct{})}
		go s.run(life, s.current)
	}
	return s.current
}

func (s *shared[T]) run(life context.Context, r *reading[T]) {
	ctx, cancel := context.WithTimeoutCause(life, askTime-spareTime, errNoAnswer)
	defer cancel()
	r.value, r.err = s.read(ctx)
	if r.err == nil && ctx.Err() != nil {
		r.err = context.Cause(ctx) // too old to be shown as the present
	}
	s.mu.Lock()
	s.current = nil
	s.mu.Unlock()
	close(r.done)
}
