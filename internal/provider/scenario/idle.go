package scenario

import (
	"context"
	"fmt"
	"io"
	"time"
)

// idleBody is the body of a download that must keep coming. The clock runs only
// inside Read: a slow taker is not the host's fault.
type idleBody struct {
	ctx    context.Context // the download's own; ended to break off a read
	cancel context.CancelCauseFunc
	body   io.ReadCloser
	idle   time.Duration
	slow   time.Duration
	clock  *time.Timer
	seen   int64 // bytes
	// spent is the time that was waited since seen was marked.
	spent  time.Duration
	marked int64
}

// leastBytes is what a download must bring in the time for which it may be slow: a phone at
// the edge of its net brings more in a second.
const leastBytes = 1 << 10

func newIdleBody(ctx context.Context, cancel context.CancelCauseFunc, body io.ReadCloser, bounds deadlines) *idleBody {
	stalled := fmt.Errorf("no bytes for %s", bounds.linkIdle)
	clock := time.AfterFunc(bounds.linkIdle, func() { cancel(stalled) })
	clock.Stop()
	return &idleBody{ctx: ctx, cancel: cancel, body: body, idle: bounds.linkIdle, slow: bounds.linkSlow, clock: clock}
}

// Read returns io.EOF unchanged, and says in any other error how far it came.
func (b *idleBody) Read(p []byte) (int, error) {
	begun := time.Now()
	b.clock.Reset(b.idle)
	n, err := b.body.Read(p)
	b.clock.Stop()
	b.seen += int64(n)
	if err == nil {
		err = b.tooSlow(time.Since(begun))
	}
	if err != nil && err != io.EOF { //nolint:errorlint // only io.EOF itself is the end; one that is wrapped is a failure
		err = fmt.Errorf("download asset: after %d bytes: %w", b.seen, reasonOf(b.ctx, err))
	}
	return n, err
}

// tooSlow is an error where too little came in the time that was waited.
func (b *idleBody) tooSlow(waited time.Duration) error {
	if b.spent += waited; b.spent < b.slow {
		return nil
	}
	came := b.seen - b.marked
	b.spent, b.marked = 0, b.seen
	if came >= leastBytes {
		return nil
	}
	return fmt.Errorf("only %d bytes in %s", came, b.slow)
}

// Close ends the download, whole or not.
func (b *idleBody) Close() error {
	err := b.body.Close()
	b.clock.Stop()
	b.cancel(nil)
	return err
}
