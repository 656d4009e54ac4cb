package batch

import (
	"context"
	"errors"
	"time"

	"nightshift/internal/backoff"
	"nightshift/internal/bucket"
	"nightshift/internal/job"
)

// ceilingsName is the object of the bucket that keeps ceilings beyond a Redis.
const ceilingsName = "_nightshift/ceilings.json"

// ceilingsLock is held by whoever adds to them.
const ceilingsLock = "_nightshift/ceilings.lock"

// lockPatience is how long it is waited for a lock that others hold for moments.
const lockPatience = 10 * time.Second

// ceilingKept is how long a ceiling is believed without news: plans change.
const ceilingKept = 7 * 24 * time.Hour

// Ceilings are how many jobs the provider was seen to let run at the same time, by mode
// and team. A Redis within a process forgets them at its end.
type Ceilings map[job.Mode]map[string]Ceiling

// Ceiling is one of them.
type Ceiling struct {
	Parallel int       `json:"parallel"`
	At       time.Time `json:"at"` // when it was last known
}

// ReadCeilings returns those that the bucket keeps. They only save a refused request, so
// that a damaged object is as good as none.
func ReadCeilings(ctx context.Context, b bucket.Objects) (Ceilings, error) {
	c := make(Ceilings)
	_, err := ReadJSON(ctx, b, ceilingsName, &c)
	if errors.Is(err, job.ErrDamaged) || c == nil {
		return make(Ceilings), nil
	}
	return c, err
}

// Of is the ceiling of a team; 0 where none is known.
func (c Ceilings) Of(mode job.Mode, team string) int {
	of := c[mode][team]
	if time.Since(of.At) > ceilingKept {
		return 0
	}
	return of.Parallel
}

// KeepCeilings notes what was learned of teams, beside what the bucket knows of others.
func KeepCeilings(ctx context.Context, b bucket.Objects, mode job.Mode, learned map[string]int) (err error) {
	if len(learned) == 0 {
		return nil
	}
	// Where buckets have no locks, news of another worker at the same moment may be lost: it
	// is learned again.
	unlock, err := waitForLock(ctx, b, ceilingsLock)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	c, err := ReadCeilings(ctx, b)
	if err != nil {
		return err
	}
	if c[mode] == nil {
		c[mode] = make(map[string]Ceiling)
	}
	for team, parallel := range learned {
		c[mode][team] = Ceiling{parallel, time.Now().UTC()}
	}
	return WriteJSON(ctx, b, ceilingsName, c)
}

// waitForLock takes a lock that others hold for moments only.
func waitForLock(ctx context.Context, b Bucket, key string) (unlock func() error, err error) {
	for begun := time.Now(); ; {
		unlock, err = b.Lock(ctx, key)
		if _, held := errors.AsType[*bucket.LockedError](err); !held || time.Since(begun) > lockPatience {
			return unlock, err
		}
		if err := backoff.Sleep(ctx, lockRest); err != nil {
			return nil, err
		}
	}
}

const lockRest = 20 * time.Millisecond // before a lock that is held is tried again
