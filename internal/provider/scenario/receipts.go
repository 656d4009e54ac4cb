package scenario

import (
	"sync"
	"time"
)

// receipts hold what the times of our own inferences say of the clock by which the API
// tells them. That clock need not be the one by which its replies are dated: many hosts
// stand behind one address.
//
// An inference was made between the moment when we sent the request and the one when the
// receipt came. The widest of all that was ever allowed counts, because a clock that was
// once elsewhere may be there again.
type receipts struct {
	mu        sync.Mutex
	seen      bool
	low, high time.Duration // what that clock may be ahead of ours
}

// learn takes the time of an inference that we started.
func (r *receipts) learn(made, sent, received time.Time) {
	sent, received = sent.Round(0), received.Round(0) // by the wall clock
	low, high := made.Sub(received), made.Sub(sent)
	if made.IsZero() || low.Abs() > clockNonsense {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.seen {
		r.seen, r.low, r.high = true, low, high
		return
	}
	r.low, r.high = min(r.low, low), max(r.high, high)
}

func (r *receipts) allowed() (low, high time.Duration, seen bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.low, r.high, r.seen
}

// Earliest is the earliest time that the API's clock can have shown when ours showed
// sent. What our own receipts showed counts; before the first it is by the dates of
// replies or by our own clock, whichever is further back.
func (c *Client) Earliest(sent time.Time) time.Time {
	low, _, seen := c.receipts.allowed()
	if !seen {
		offset, uncertainty := c.ClockOffset()
		low = min(offset-uncertainty, 0)
	}
	return sent.Add(low - skew)
}

// latest is the latest time that the API's clock can have shown when ours showed sent, by
// receipts and by the dates of replies: receipts can name runs of before.
func (c *Client) latest(sent time.Time) time.Time {
	offset, uncertainty := c.ClockOffset()
	_, high, seen := c.receipts.allowed()
	switch dated := uncertainty < clockUnknown; {
	case !seen:
		return sent.Add(offset + uncertainty)
	case !dated:
		return sent.Add(high)
	default:
		return sent.Add(max(offset+uncertainty, high))
	}
}

// doubtful reports whether nothing certain can be said of when the API makes an
// inference: no receipt was seen yet, or clocks were seen to disagree.
func (c *Client) doubtful() bool {
	low, high, seen := c.receipts.allowed()
	if !seen || high-low > skew {
		return true
	}
	offset, uncertainty := c.ClockOffset()
	return offset+uncertainty < low-skew || offset-uncertainty > high+skew
}
