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

// Adopt counts a run that exists at the provider already: it takes slots and CU
// even past ceilings and caps, since they are used, and no place in the request
// rate. charged is the time for which the CU count; zero is now. An attempt that is
// live or settled stays as it is.
func (a *Admission) Adopt(ctx context.Context, ref job.Ref, attempt int, in Account, amount job.CU, charged time.Time) error {
	err := errors.New("its amount is negative")
	if amount >= 0 {
		_, err = a.change(ctx, adoptScript, ref, attempt, in, int64(amount), milliseconds(charged))
	}
	if err != nil {
		return fmt.Errorf("adopt job %s attempt %d: %w", ref, attempt, err)
	}
	return nil
}

// Free gives back the slots of a run that ended. Its CU stay reserved until
// Settle. Without a live grant it does nothing.
func (a *Admission) Free(ctx context.Context, ref job.Ref, attempt int, in Account) error {
	if _, err := a.change(ctx, freeScript, ref, attempt, in); err != nil {
		return fmt.Errorf("free slot of job %s attempt %d: %w", ref, attempt, err)
	}
	return nil
}

// Settle turns the reservation into a spend of billed - refunded and gives back
// the slots. A repeat changes nothing. Without a reservation it returns
// [ErrNoGrant] and counts nothing.
func (a *Admission) Settle(ctx context.Context, ref job.Ref, attempt int, in Account, billed, refunded job.CU) error {
	outcome, err := done, error(nil)
	if billed < 0 || refunded < 0 || refunded > billed {
		err = fmt.Errorf("a bill of %s CU with %s refunded makes no sense", billed, refunded)
	} else {
		outcome, err = a.change(ctx, settleScript, ref, attempt, in, int64(billed), int64(refunded), markerKept.Milliseconds())
	}
	if err == nil && outcome == noGrant {
		err = ErrNoGrant
	}
	if err != nil {
		return fmt.Errorf("settle job %s attempt %d: %w", ref, attempt, err)
	}
	return nil
}

// Release gives back slots and CU of a request that cost nothing. Without a live
// grant it does nothing. Since the attempt may be reserved again afterwards, only
// who still owns the attempt may call it.
func (a *Admission) Release(ctx context.Context, ref job.Ref, attempt int, in Account) error {
	if _, err := a.change(ctx, releaseScript, ref, attempt, in, markerKept.Milliseconds()); err != nil {
		return fmt.Errorf("release job %s attempt %d: %w", ref, attempt, err)
	}
	return nil
}

// change runs a script on one grant. A grant that is counted in another account
// than the caller says is changed there.
func (a *Admission) change(ctx context.Context, script *redis.Script, ref job.Ref, attempt int, in Account, args ...any) (outcome, error) {
	k, owner := a.keys, owner(ref, attempt)
	for range 2 {
		reply, err := a.run(ctx, script,
			[]string{
				k.life(), k.grant(owner), k.journal(ref.Batch), k.slots(keyScope, in.APIKey), k.slots(teamScope, in.Team),
				k.cu(keyScope, in.APIKey), k.cu(projectScope, in.Project), k.cu(teamScope, in.Team), k.cu(batchScope, ref.Batch),
			},
			append([]any{a.life.token(), owner, in.APIKey, in.Project, in.Team}, args...)...)
		if err != nil {
			return done, err
		}
		switch reply.outcome() {
		case lost:
			return done, ErrLost
		case otherAccount:
			in = reply.account(1)
		default:
			return reply.outcome(), nil
		}
	}
	return done, errors.New("its grant moves between keys")
}

func milliseconds(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMilli()
}
