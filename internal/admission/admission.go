package admission

import (
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
)

// ErrSettled answers a Reserve of an attempt whose bill is already counted: it
// was sent and must not be sent again.
var ErrSettled = errors.New("attempt is already settled")

// ErrNoGrant answers a Settle of an attempt that holds no reservation, so that
// its spend cannot be told from one counted long ago. Adopt a run that is known
// not to be counted, then settle it.
var ErrNoGrant = errors.New("attempt holds no reservation")

// Options are what an Admission is made of.
type Options struct {
	Redis  redis.UniversalClient
	Prefix string // of every key; "ns" if empty
}

// Admission grants requests, slots and CU. Its methods may be called from any
// number of goroutines and processes; it holds no state of its own.
type Admission struct {
	redis  redis.UniversalClient
	keys   keys
	window window
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

// Scope names what a grant is counted in. An empty name is a name like any
// other: keys without a project are counted together, which is the safe side.
type Scope struct {
	APIKey  string
	Project string // requests are counted by it
	Team    string // running jobs are counted by it
	Batch   string
}

// Limits of a scope, as configured.
type Limits struct {
	// RequestsPerMinute is the project's; submits and reads count. 0 = no limit.
	RequestsPerMinute int
	// ReadReserve is how many of these are kept for reads: submits may use at
	// most RequestsPerMinute - ReadReserve, which must leave at least one.
	ReadReserve int
	// Parallel is how many jobs of the team may run; 0 = not known, learned from
	// the provider.
	Parallel int
	// KeyCU and BatchCU cap what the key and the batch spend in total; nil = no cap.
	KeyCU, BatchCU *job.CU
}

// submits is how many requests of a window may be submits; 0 = no limit.
func (l Limits) submits() int { return max(0, l.RequestsPerMinute-l.ReadReserve) }

func (l Limits) validate() error {
	switch {
	case l.RequestsPerMinute < 0 || l.ReadReserve < 0 || l.Parallel < 0:
		return errors.New("limits must not be negative")
	case l.RequestsPerMinute > 0 && l.ReadReserve >= l.RequestsPerMinute:
		return fmt.Errorf("a read reserve of %d leaves none of %d requests a minute for submits", l.ReadReserve, l.RequestsPerMinute)
	default:
		return nil
	}
}

// Claim asks for what one submission needs.
type Claim struct {
	Scope   Scope
	Limits  Limits
	Job     job.ID
	Attempt int
	Amount  job.CU // the quoted price
}

func (c Claim) validate() error {
	if c.Amount < 0 {
		return fmt.Errorf("amount of %s CU is negative", c.Amount)
	}
	return c.Limits.validate()
}

// Grant is what a Claim was given.
type Grant struct {
	// Scope is what the grant is counted in. It differs from the claim's when
	// the same attempt was granted before on another key: use that key.
	Scope  Scope
	Amount job.CU // reserved
	// Again says that the grant was live already and nothing was taken now. Its
	// place in the request rate may have gone by: take one with Request before
	// sending.
	Again bool
}
