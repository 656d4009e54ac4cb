package admission

import (
	"context"
	"fmt"
	"time"

	"nightshift/internal/job"
)

const (
	// pollAfter is when to ask again for what another job gives back: that comes
	// by event, and this is for an event that was missed.
	pollAfter = time.Second
	// stuckAfter is when to ask again for CU that no time brings; only a person who
	// raises the cap changes that.
	stuckAfter = 30 * time.Second
	// mostAhead is how far ahead a place in the request rate is reserved. Longer
	// waits are answered with a time, so that nobody holds a slot meanwhile.
	mostAhead = 10 * time.Second
)

// Reserve takes what one submission needs on one of the candidates, all of it or
// nothing: places in the request rates, slots, and CU of all scopes. Of several keys that are free it takes the one that may be sent with
// first, then the one that has spent least today.
//
// If that is not possible now it returns a [job.PostponedError], of the key that is
// free the soonest. An attempt that holds a live grant gets it again and nothing is
// taken twice; on a key that is no candidate it gets [GrantedElsewhereError]. An
// attempt that is settled gets [ErrSettled]; one that was released is granted anew.
// [ErrLost] says that Redis lost what it counted.
func (a *Admission) Reserve(ctx context.Context, c Claim) (Grant, error) {
	grant, err := a.reserve(ctx, c)
	if err != nil {
		return Grant{}, fmt.Errorf("reserve for job %s attempt %d: %w", c.Ref, c.Attempt, err)
	}
	return grant, nil
}

func (a *Admission) reserve(ctx context.Context, c Claim) (Grant, error) {
	if err := c.validate(); err != nil {
		return Grant{}, err
	}
	asked := a.claimed(c)
	keys := []string{a.keys.life(), a.keys.ready(), a.keys.grant(asked.Owner), a.keys.journal(c.Ref.Batch)}
	reply, err := a.ask(ctx, reserveScript, append(keys, asked.keys...), asked)
	if err != nil {
		return Grant{}, err
	}
	switch reply.outcome() {
	case wait:
		return Grant{}, reply.postponed(asked.Scopes, c.Amount)
	case settled:
		return Grant{}, ErrSettled
	case elsewhere:
		return Grant{}, &GrantedElsewhereError{Account: accountOf(reply.scopes(1))}
	case lost:
		return Grant{}, ErrLost
	default:
		return Grant{
			Account: accountOf(reply.scopes(4)), Again: reply.number(1) == 1, Amount: job.CU(reply.number(2)),
			After: time.Duration(reply.number(3)) * time.Millisecond,
		}, nil
	}
}

// Request takes one place in the request rates of a key and what it belongs to for a
// read: a list, an asset. Reads may use the whole rate. Without a place it returns a
// [job.PostponedError].
func (a *Admission) Request(ctx context.Context, c Candidate) error {
	reply, err := answer{}, c.validate()
	asked := a.list(c...)
	if err == nil {
		reply, err = a.ask(ctx, requestScript, asked.keys, asked)
	}
	if err != nil {
		return fmt.Errorf("request a read: %w", err)
	}
	if reply.outcome() == wait {
		return reply.postponed(asked.Scopes, 0)
	}
	return nil
}
