package admission

import (
	"context"
	"fmt"
	"time"

	"nightshift/internal/job"
)

// Reserve takes what one submission needs on one of the candidates, all of it or
// nothing: places in the request rates, slots, and CU of all scopes. Of several keys that
// are free it takes the one that may be sent with first, then the one that has spent least
// today; of more than sixteen it compares sixteen, others for each job.
//
// If that is not possible now it returns a [job.PostponedError], of the key that is
// free the soonest. An attempt that holds a live grant gets it again and nothing is
// taken twice; on a key that is no candidate it gets [GrantedElsewhereError]. An
// attempt that is settled gets [ErrSettled]; one that was released is granted again.
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
	q := a.newAsk()
	q.Owner, q.Amount = owner(c.Ref, c.Attempt), int64(c.Amount)
	for _, candidate := range c.Candidates {
		numbers := make([]int, 0, len(candidate)+1)
		for _, s := range candidate {
			numbers = append(numbers, q.add(a.keys, s))
		}
		q.Candidates = append(q.Candidates, append(numbers, q.add(a.keys, Scope{Batch, c.Ref.Batch, c.Batch})))
	}
	keys := append([]string{a.keys.epoch(), a.keys.ready()}, a.keys.settled()...)
	keys = append(keys, a.keys.grant(q.Owner), a.keys.live(c.Ref.Batch))
	reply, err := a.ask(ctx, reserveScript, keys, q)
	if err != nil {
		return Grant{}, err
	}
	switch reply.outcome() {
	case wait:
		return Grant{}, reply.postponed(q.Scopes, c.Amount)
	case settled:
		return Grant{}, ErrSettled
	case elsewhere:
		return Grant{}, &GrantedElsewhereError{APIKey: reply.text(1)}
	case lost:
		return Grant{}, ErrLost
	default:
		return Grant{
			Again: reply.number(1) == 1, Amount: job.CU(reply.number(2)),
			After: time.Duration(reply.number(3)) * time.Millisecond, APIKey: reply.text(4),
		}, nil
	}
}

// Request takes one place in the request rates of a key and what it belongs to for a
// read: a list, an asset. Reads may use the whole rate. Without a place it returns a
// [job.PostponedError].
func (a *Admission) Request(ctx context.Context, c Candidate) error {
	reply, err, q := answer{}, c.validate(), a.newAsk(c...)
	if err == nil {
		reply, err = a.ask(ctx, requestScript, nil, q)
	}
	if err != nil {
		return fmt.Errorf("request a read: %w", err)
	}
	if reply.outcome() == wait {
		return reply.postponed(q.Scopes, 0)
	}
	return nil
}
