package admission

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
)

// markerKept is how long a finished grant is remembered: far longer than a
// recovered task or a slow retry takes to come back.
const markerKept = time.Hour

// Adopt counts a run that exists at the provider already: it takes a slot and CU
// even past ceiling and caps, since they are used, and no place in the request
// rate. An attempt that is live or settled stays as it is.
func (a *Admission) Adopt(ctx context.Context, c Claim) error {
	err := c.validate()
	if err == nil {
		_, err = a.change(ctx, adoptScript, c.Scope, c.Job, c.Attempt, int64(c.Amount))
	}
	if err != nil {
		return fmt.Errorf("adopt job %q attempt %d: %w", c.Job, c.Attempt, err)
	}
	return nil
}

// Free gives back the slot of a run that ended. Its CU stay reserved until
// Settle. Without a live grant it does nothing.
func (a *Admission) Free(ctx context.Context, s Scope, id job.ID, attempt int) error {
	if _, err := a.change(ctx, freeScript, s, id, attempt); err != nil {
		return fmt.Errorf("free slot of job %q attempt %d: %w", id, attempt, err)
	}
	return nil
}

// Settle turns the reservation into a spend of billed - refunded and gives back
// the slot. A repeat changes nothing. Without a reservation it returns
// [ErrNoGrant] and counts nothing.
func (a *Admission) Settle(ctx context.Context, s Scope, id job.ID, attempt int, billed, refunded job.CU) error {
	outcome, err := done, error(nil)
	if billed < 0 || refunded < 0 || refunded > billed {
		err = fmt.Errorf("a bill of %s CU with %s refunded makes no sense", billed, refunded)
	} else {
		outcome, err = a.change(ctx, settleScript, s, id, attempt, int64(billed-refunded), markerKept.Milliseconds())
	}
	if err == nil && outcome == noGrant {
		err = ErrNoGrant
	}
	if err != nil {
		return fmt.Errorf("settle job %q attempt %d: %w", id, attempt, err)
	}
	return nil
}

// Release gives back slot and CU of a request that cost nothing. Without a live
// grant it does nothing. Since the attempt may be reserved again afterwards, only
// who still owns the attempt may call it.
func (a *Admission) Release(ctx context.Context, s Scope, id job.ID, attempt int) error {
	if _, err := a.change(ctx, releaseScript, s, id, attempt, markerKept.Milliseconds()); err != nil {
		return fmt.Errorf("release job %q attempt %d: %w", id, attempt, err)
	}
	return nil
}

// change runs a script on one grant. A grant that is counted in another key or
// team than s says is changed there.
func (a *Admission) change(ctx context.Context, script *redis.Script, s Scope, id job.ID, attempt int, args ...any) (outcome, error) {
	for range 2 {
		reply, err := a.run(ctx, script,
			[]string{a.keys.grant(s.Batch, id, attempt), a.keys.slots(s.Team), a.keys.keyCU(s.APIKey), a.keys.batchCU(s.Batch)},
			append([]any{owner(s.Batch, id, attempt), s.APIKey, s.Project, s.Team}, args...)...)
		if err != nil {
			return done, err
		}
		if reply.outcome() != otherScope {
			return reply.outcome(), nil
		}
		s.APIKey, s.Project, s.Team = reply.text(1), reply.text(2), reply.text(3)
	}
	return done, errors.New("its grant moves between keys")
}
