package results

import (
	"context"
	"sync"
	"time"
)

// commitTimeout bounds one durable write, so that a bucket that hangs is an
// error and not a worker that never stops.
const commitTimeout = 30 * time.Second

// committer appends lines to one object in groups. It has no goroutine of its
// own: of the callers that wait, one at a time writes for all that came so far.
type committer struct {
	bucket Bucket
	key    string
	turn   chan struct{} // holds a token while somebody writes

	mu      sync.Mutex
	pending *group
}

// group is the lines of one write.
type group struct {
	data []byte
	done chan struct{} // closed when the write is over
	err  error         // valid then
}

func newCommitter(b Bucket, key string) *committer {
	return &committer{bucket: b, key: key, turn: make(chan struct{}, 1)}
}

// append returns when the line is durable or its write has failed. It returns
// the end of ctx only before the line was accepted.
func (c *committer) append(ctx context.Context, line []byte) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	mine := c.join(line)
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

func (c *committer) join(line []byte) *group {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending == nil {
		c.pending = &group{done: make(chan struct{})}
	}
	c.pending.data = append(c.pending.data, line...)
	return c.pending
}

// commit writes the pending group, if another caller has not done so. The group
// holds the lines of others too, so the end of this caller's ctx does not stop it.
func (c *committer) commit(ctx context.Context) {
	c.mu.Lock()
	next := c.pending
	c.pending = nil
	c.mu.Unlock()
	if next == nil {
		return
	}
	defer close(next.done)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	next.err = c.bucket.Append(ctx, c.key, next.data)
}
