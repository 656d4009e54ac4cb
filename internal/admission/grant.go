package admission

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/job"
)

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
	if amount < 0 {
		return fmt.Errorf("adopt job %s attempt %d: its amount is negative", ref, attempt)
	}
	c := change{of: Attempt{ref, attempt, in}, Amount: int64(amount)}
	if !charged.IsZero() {
		c.Charged = charged.UnixMilli()
	}
	return a.change(ctx, "adopt", c)
}

// Free gives back the slots of runs that ended, in one step. Their CU stay reserved
// until Settle. Without a live grant it does nothing.
func (a *Admission) Free(ctx context.Context, ended ...Attempt) error {
	changes := make([]change, len(ended))
	for i, of := range ended {
		changes[i].of = of
	}
	return a.change(ctx, "free", changes...)
}

// Settle turns the reservation into a spend of billed - refunded and gives back
// the slots. A repeat changes nothing. Without a reservation it returns
// [ErrNoGrant] and counts nothing.
func (a *Admission) Settle(ctx context.Context, ref job.Ref, attempt int, in Account, billed, refunded job.CU) error {
	if billed < 0 || refunded < 0 || refunded > billed {
		return fmt.Errorf("settle job %s attempt %d: a bill of %s CU with %s refunded makes no sense", ref, attempt, billed, refunded)
	}
	return a.change(ctx, "settle", change{of: Attempt{ref, attempt, in}, Billed: int64(billed), Refunded: int64(refunded)})
}

// Release gives back slots and CU of a request that cost nothing. Without a live
// grant it does nothing. Since the attempt may be reserved again afterwards, only
// who still owns the attempt may call it.
func (a *Admission) Release(ctx context.Context, ref job.Ref, attempt int, in Account) error {
	return a.change(ctx, "release", change{of: Attempt{ref, attempt, in}})
}

// change is what is asked for a grant, as change.lua reads it.
type change struct {
	Owner    string      `json:"owner"`
	Scopes   askedScopes `json:"scopes"`
	Amount   int64       `json:"amount"`
	Charged  int64       `json:"charged"`
	Billed   int64       `json:"billed"`
	Refunded int64       `json:"refunded"`

	of Attempt
	in []Scope // once the script has said what it is counted in
}

// change changes grants in one of the ways of change.lua. One that is counted in other scopes than the caller
// says is changed there.
func (a *Admission) change(ctx context.Context, how string, changes ...change) (err error) {
	for round := 1; len(changes) > 0; round++ {
		first := changes[0].of
		if changes, err = a.changeHere(ctx, how, changes); err == nil && len(changes) > 0 && round == 2 {
			err = errors.New("its grant moves between keys")
		}
		if err != nil {
			return fmt.Errorf("%s job %s attempt %d: %w", how, first.Ref, first.Attempt, err)
		}
	}
	return nil
}

// changeHere changes grants and returns those that are counted elsewhere.
func (a *Admission) changeHere(ctx context.Context, how string, changes []change) (moved []change, err error) {
	all := a.newAsk()
	all.Change, all.Grants = how, changes
	for i := range changes {
		c := &changes[i]
		if c.in == nil {
			c.in = c.of.In.scopes()
		}
		one := a.newAsk(append(c.in, Scope{Kind: Batch, Name: c.of.Ref.Batch})...)
		c.Owner, c.Scopes = owner(c.of.Ref, c.of.Attempt), one.Scopes
		all.keys = append(append(all.keys, a.keys.grant(c.Owner), a.keys.live(c.of.Ref.Batch)), one.keys...)
	}
	reply, err := a.ask(ctx, changeScript, append([]string{a.keys.epoch()}, a.keys.settled()...), all)
	if err := inEpoch(reply, err); err != nil {
		return nil, err
	}
	for i, c := range changes {
		one, _ := reply[i+1].([]any)
		switch answered := answer(one); answered.outcome() {
		case noGrant:
			return nil, ErrNoGrant
		case elsewhere:
			c.in = answered.scopes(1)
			moved = append(moved, c)
		}
	}
	return moved, nil
}
