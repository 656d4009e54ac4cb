package queue

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/hibiken/asynq"

	"nightshift/internal/backoff"
	"nightshift/internal/job"
)

// again is how long a task waits that failed for another reason than a wait.
var again = backoff.Policy{First: time.Second, Longest: 5 * time.Minute}

const (
	// A task whose worker died must not be started again within the loop that
	// found it dead: a second recoverer could take it from its new worker.
	afterCrash = 30 * time.Second
	// widest is the most that spread adds: people are shown the plain time.
	widest = 30 * time.Second
)

// verdict is what happens to a task whose handler returned an error. This is the
// only place that decides it.
type verdict struct {
	failure bool          // counts as a failed attempt in asynq's figures
	archive bool          // never run again
	after   time.Duration // run again after this time
}

func judge(err error, retried int) verdict {
	if postponed, ok := errors.AsType[*job.PostponedError](err); ok {
		return verdict{after: wholeSeconds(spread(postponed.After))}
	}
	if errors.Is(err, job.ErrInterrupted) {
		return verdict{after: time.Second}
	}
	if errors.Is(err, asynq.ErrLeaseExpired) {
		return verdict{after: afterCrash + rand.N(afterCrash/3)}
	}
	if final(err) {
		return verdict{failure: true, archive: true}
	}
	return verdict{failure: true, after: again.After(retried + 1)}
}

// final reports whether the same can only fail again. A handler records such an
// outcome and returns nil, so that one which comes here is a fault of ours, and
// running it for ever would hide it.
func final(err error) bool {
	_, rejected := errors.AsType[*job.RejectedError](err)
	return rejected || errors.Is(err, job.ErrInvalid)
}

// spread adds up to a tenth, at most half a minute, so that jobs that wait for the
// same thing do not all come back at once.
func spread(d time.Duration) time.Duration {
	return d + rand.N(min(d/10, widest)+time.Millisecond)
}
