package runner

import (
	"fmt"
	"io"
	"time"

	"nightshift/internal/job"
)

const (
	// An image of which less than slowBytes came in slowTime keeps its job from being stored,
	// and it is told why.
	slowTime  = 30 * time.Second
	slowBytes = 1 << 10
)

// slowBody is the body of an image, of which it is told when it hardly comes. The clock runs
// only inside Read: a slow taker is not the host's fault.
type slowBody struct {
	body io.Reader
	tell func(came int64)
	// spent is how long the bytes that came since were waited for.
	spent time.Duration
	came  int64
}

// slowBody is the body of an asset.
func (r *Runner) slowBody(asset string, body io.Reader) *slowBody {
	return &slowBody{body: body, tell: func(came int64) {
		slow := &job.SideError{Side: job.SideLinkHost, Err: fmt.Errorf("only %d bytes in %s", came, slowTime)}
		r.waits.setSide(storeSide, storeWait(fmt.Errorf("asset %s: %w", asset, slow)))
	}}
}

// Read implements [io.Reader].
func (b *slowBody) Read(p []byte) (int, error) {
	begun := time.Now()
	n, err := b.body.Read(p)
	b.spent, b.came = b.spent+time.Since(begun), b.came+int64(n)
	if b.spent >= slowTime {
		if b.came < slowBytes {
			b.tell(b.came)
		}
		b.spent, b.came = 0, 0
	}
	return n, err
}
