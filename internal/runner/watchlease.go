package runner

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// passOnAfter is how many looks in succession must fail before another process is given
	// the right to watch: half a minute of them.
	passOnAfter = 6
	// passedOn is for how long this process does not take it back; the others ask every
	// second.
	passedOn = 5 * time.Second
)

// watchLease is the lease of the watcher and of the recovery beside it, who pass it on
// together.
type watchLease struct {
	Lease
	until atomic.Int64 // until when it is left to others, in Unix nanoseconds
}

// Hold implements [Lease].
func (l *watchLease) Hold(ctx context.Context) (bool, error) {
	if l.rests() {
		return false, nil
	}
	held, err := l.Lease.Hold(ctx)
	if held && l.rests() { // it was passed on meanwhile
		return false, l.Drop(ctx)
	}
	return held, err
}

// passOn leaves the lease to a process that may see more than this one, if there is any: this
// one may be cut off from the provider, or lack an API key.
func (l *watchLease) passOn(ctx context.Context) error {
	l.until.Store(time.Now().Add(passedOn).UnixNano())
	return l.Drop(ctx)
}

func (l *watchLease) rests() bool { return time.Now().UnixNano() < l.until.Load() }
