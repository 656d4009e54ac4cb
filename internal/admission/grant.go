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

// Attempt names a grant, and what it is counted in as far as the caller knows.
type Attempt struct {
	Ref     job.Ref
	Attempt int
	In      Account
}

// Adopt counts a run that exists at the provider already: it takes slots and CU
// even past ceilings and caps, since they are used, and no place in the request
// rate. charged is the time for which the CU count; zero is now. An attempt that is
// live or settled stays as it is.
func (a *Admission) Adopt(ctx context.Context, ref job.Ref, attempt int, in Account, amount job.CU, charged time.Time) error {
	err := errors.New("its amount is negative")
	if amount >= 0 {
		c := change{ref: ref, attempt: attempt, in: in.scopes(), Amount: int64(amount)}
		if !charged.IsZero() {
			c.Charged = charged.UnixMilli()
		}
		err = a.change(ctx, adoptScript, c)
	}
	if err != nil {
		return fmt.Errorf("adopt job %s attempt %d: %w", ref, attempt, err)
	}
	return nil
}

// Free gives back the slots of a run that ended. Its CU stay reserved until
// Settle. Without a live grant it does nothing.
func (a *Admission) Free(ctx context.Context, ref job.Ref, attempt int, in Account) error {
	return a.FreeAll(ctx, []Attempt{{ref, attempt, in}})
}

// FreeAll is [Admission.Free] of several runs, in one step.
func (a *Admission) FreeAll(ctx context.Context, ended []Attempt) error {
	if len(ended) == 0 {
		return nil
	}
	changes := make([]change, len(ended))
	for i, e := range ended {
		changes[i] = change{ref: e.Ref, attempt: e.Attempt, in: e.In.scopes()}
	}
	if err := a.change(ctx, freeScript, changes...); err != nil {
		return fmt.Errorf("free slots of %d jobs, the first %s attempt %d: %w", len(ended), ended[0].Ref, ended[0].Attempt, err)
	}
	return nil
}

// Settle turns the reservation into a spend of billed - refunded and gives back
// the slots. A repeat changes nothing. Without a reservation it returns
// [ErrNoGrant] and counts nothing.
func (a *Admission) Settle(ctx context.Context, ref job.Ref, attempt int, in Account, billed, refunded job.CU) error {
	err := fmt.Errorf("a bill of %s CU with %s refunded makes no sense", billed, refunded)
	if billed >= 0 && refunded >= 0 && refunded <= billed {
		err = a.change(ctx, settleScript, change{ref: ref, attempt: attempt, in: in.scopes(), Billed: int64(billed), Refunded: int64(refunded)})
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
	if err := a.change(ctx, releaseScript, change{ref: ref, attempt: attempt, in: in.scopes()}); err != nil {
		return fmt.Errorf("release job %s attempt %d: %w", ref, attempt, err)
	}
	return nil
}

// change is what a script is asked to do with a grant, as grant.lua reads it.
type change struct {
	Owner    string       `json:"owner"`
	Scopes   []askedScope `json:"scopes"`
	Amount   int64        `json:"amount"`
	Charged  int64        `json:"charged"`
	Billed   int64        `json:"billed"`
	Refunded int64        `json:"refunded"`

	ref     job.Ref
	attempt int
	in      []Scope // without the batch
}

// change runs a script on grants. One that is counted in other scopes than the caller
// says is changed there.
func (a *Admission) change(ctx context.Context, script *redis.Script, changes ...change) error {
	for range 2 {
		keys := []string{a.keys.life()}
		for i := range changes {
			c := &changes[i]
			list := a.list(append(c.in, Scope{Kind: Batch, Name: c.ref.Batch})...)
			c.Owner, c.Scopes = owner(c.ref, c.attempt), list.Scopes
			keys = append(append(keys, a.keys.grant(c.Owner), a.keys.journal(c.ref.Batch)), list.keys...)
		}
		reply, err := a.ask(ctx, script, keys, struct {
			Life   string   `json:"life"`
			Kept   int64    `json:"kept"`
			Grants []change `json:"grants"`
		}{a.life.token(), markerKept.Milliseconds(), changes})
		if err := inLife(reply, err); err != nil {
			return err
		}
		var moved []change
		for i, c := range changes {
			one, _ := reply[i+1].([]any)
			switch answered := answer(one); answered.outcome() {
			case noGrant:
				return ErrNoGrant
			case elsewhere:
				c.in = answered.scopes(1)
				moved = append(moved, c)
			}
		}
		if changes = moved; len(changes) == 0 {
			return nil
		}
	}
	return errors.New("its grant moves between keys")
}
