// Package backoff says how long to wait before something that failed is tried again.
package backoff

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"nightshift/internal/job"
)

// Policy is a delay that doubles with each failure in a row.
type Policy struct {
	First   time.Duration // after the first failure
	Longest time.Duration
}

// After is the delay after so many failures in a row, of which there is at least one.
// It is spread over the upper half of its length, so that those that failed together
// do not come back together.
func (p Policy) After(failures int) time.Duration {
	delay := p.First
	for range failures - 1 {
		if delay >= p.Longest/2 {
			delay = p.Longest
			break
		}
		delay *= 2
	}
	delay = min(delay, p.Longest)
	return delay/2 + rand.N(delay/2+1)
}

// Sleep waits, or returns the cause of ctx's end when that comes first.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// UntilGranted asks until the answer is another than a [job.PostponedError], and waits
// in between as long as that says. It returns the last answer, or the cause of ctx's
// end.
func UntilGranted(ctx context.Context, ask func(context.Context) error) error {
	for {
		err := ask(ctx)
		postponed, waiting := errors.AsType[*job.PostponedError](err)
		if !waiting {
			return err
		}
		if err := Sleep(ctx, postponed.After); err != nil {
			return err
		}
	}
}
