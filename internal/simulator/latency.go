package simulator

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Latency is the time from the acceptance of a job to its end, drawn evenly
// between two bounds.
type Latency struct {
	low, high time.Duration
	given     bool // tells Between(0, 0) from a Latency that was left out
}

// Between draws latencies from low to high; equal bounds make every job take the
// same time, and Between(0, 0) ends jobs at once.
func Between(low, high time.Duration) Latency {
	return Latency{low: low, high: max(low, high), given: true}
}

// ParseLatency reads "8s" or "2s..6s".
func ParseLatency(text string) (Latency, error) {
	low, high, ranged := strings.Cut(text, "..")
	if !ranged {
		high = low
	}
	from, lowErr := time.ParseDuration(low)
	to, highErr := time.ParseDuration(high)
	if lowErr != nil || highErr != nil {
		return Latency{}, fmt.Errorf("latency %q: want a time (8s) or a range (2s..6s)", text)
	}
	if from < 0 || to < from {
		return Latency{}, fmt.Errorf("latency %q: the range runs backwards or is negative", text)
	}
	return Between(from, to), nil
}

// String writes the latency so that [ParseLatency] reads it.
func (l Latency) String() string {
	if l.low == l.high {
		return l.low.String()
	}
	return l.low.String() + ".." + l.high.String()
}

func (l Latency) draw(random *rand.Rand) time.Duration {
	return l.low + time.Duration(random.Int64N(int64(l.high-l.low)+1))
}
