package jsonl

import (
	"context"
	"sync"
	"time"
)

// CommitTimeout bounds one durable write as far as the bucket looks at its context:
// a service that does not answer is an error then, while a local disk that hangs is
// waited for, because nobody can tell what a write that was given up still does.
const CommitTimeout = 30 * time.Second

// Committer writes items to one object in groups, in the order in which they came.
// It has no goroutine of its own: of the callers that wait, one at a time writes
// for all that came so far.
type Committer[T any] struct {
	write func(ctx context.Context, items []T) error // called by one at a time
	turn  chan struct{}                              // holds a token while somebody writes

	mu      sync.Mutex
	pending *group[T]
}

// group is the items of one write.
type group[T any] struct {
	items []T
	done  chan struct{} // closed when the write is over
	err   error         // valid then
}

// NewCommitter returns a Committer whose groups are written by write, one at a time.
func NewCommitter[T any](write func(ctx context.Context, items []T) error) *Committer[T] {
	return &Committer[T]{write: write, turn: make(chan struct{}, 1)}
}

// Append returns when the item is durable or its write has failed. It returns the
// end of ctx only before the item was accepted.
func (c *Committer[T]) Append(ctx context.Context, item T) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	mine := c.join(item)
	select {
	case c.turn <- struct{}{}:
		c.commit(ctx)
		<-c.turn
	case <-mine.done:
	}
	// Whoever had the turn has written everything that was pending then, and
	// that is this group or a later one.
	<-mine.done
	return mine.err
}

func (c *Committer[T]) join(item T) *group[T] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending == nil {
		c.pending = &group[T]{done: make(chan struct{})}
	}
	c.pending.items = append(c.pending.items, item)
	return c.pending
}

// commit writes the pending group, if another caller has not done so. The group
// holds the items of others too, so the end of this caller's ctx does not stop it.
func (c *Committer[T]) commit(ctx context.Context) {
	c.mu.Lock()
	next := c.pending
	c.pending = nil
	c.mu.Unlock()
	if next == nil {
		return
	}
	defer close(next.done)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), CommitTimeout)
	defer cancel()
	next.err = c.write(ctx, next.items)
}
