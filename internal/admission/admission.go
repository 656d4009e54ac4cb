package admission

import (
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrSettled answers a Reserve of an attempt whose bill is already counted: it
// was sent and must not be sent again.
var ErrSettled = errors.New("attempt is already settled")

// ErrNoGrant answers a Settle of an attempt that holds no reservation, so that
// its spend cannot be told from one counted long ago. Adopt a run that is known
// not to be counted, then settle it.
var ErrNoGrant = errors.New("attempt holds no reservation")

// ErrLost says that Redis is not the one, or not in the epoch, in which the state
// was restored: what it counts may be incomplete. Nothing is granted until a new
// epoch has begun.
var ErrLost = errors.New("redis lost what was counted")

// GrantedElsewhereError answers a Reserve of an attempt that holds a grant on an
// API key that is no candidate any more. Who owns the attempt releases it first.
type GrantedElsewhereError struct{ APIKey string }

func (e *GrantedElsewhereError) Error() string {
	return "attempt holds a grant on API key " + e.APIKey + ", which may not run it any more"
}

// Options are what an Admission is made of.
type Options struct {
	Redis  redis.UniversalClient
	Prefix string // of every key; "ns" if empty
}

// Admission grants requests, slots and CU. Its methods may be called from any
// number of goroutines and processes. Before anything is granted it must take part
// in an epoch of Redis, by [Admission.Join] or [Admission.Begin].
type Admission struct {
	redis  redis.UniversalClient
	keys   keys
	window window
	epoch  epoch
}

// New returns an Admission over a Redis, which the caller closes.
func New(o Options) *Admission {
	prefix := o.Prefix
	if prefix == "" {
		prefix = "ns"
	}
	return &Admission{redis: o.Redis, keys: newKeys(prefix), window: minute}
}

// window is the time over which requests are counted, in buckets.
type window struct {
	bucket  time.Duration
	buckets int // how many make the window
}

// minute is the provider's window of 60 s and a margin of 1 s for the network.
var minute = window{bucket: 250 * time.Millisecond, buckets: 61 * 4}
