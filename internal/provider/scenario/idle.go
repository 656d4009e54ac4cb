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
	clock  *time.Timer
	seen   int64 // bytes
}

func newIdleBody(ctx context.Context, cancel context.CancelCauseFunc, body io.ReadCloser, idle time.Duration) *idleBody {
	stalled := fmt.Errorf("no bytes for %s", idle)
	clock := time.AfterFunc(idle, func() { cancel(stalled) })
	clock.Stop()
	return &idleBody{ctx: ctx, cancel: cancel, body: body, idle: idle, clock: clock}
}

// Read returns io.EOF unchanged, and says in any other error how far it came.
func (b *idleBody) Read(p []byte) (int, error) {
	b.clock.Reset(b.idle)
	n, err := b.body.Read(p)
	b.clock.Stop()
	b.seen += int64(n)
	if err != nil && err != io.EOF { //nolint:errorlint // only io.EOF itself is the end; one that is wrapped is a failure
		err = fmt.Errorf("download asset: after %d bytes: %w", b.seen, reasonOf(b.ctx, err))
	}
	return n, err
}

// Close ends the download, whole or not.
func (b *idleBody) Close() error {
	err := b.body.Close()
	b.clock.Stop()
	b.cancel(nil)
	return err
}
