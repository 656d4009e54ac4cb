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
// nothing: places in the request rates, slots, and CU of key, project, team and
// batch. Of several keys that are free it takes the one that may be sent with
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
	now, owner := time.Now(), owner(c.Ref, c.Attempt)
	keys := []string{
		a.keys.life(), a.keys.ready(), a.keys.grant(owner), a.keys.journal(c.Ref.Batch), a.keys.cu(batchScope, c.Ref.Batch),
	}
	args := []any{
		a.life.token(), owner, int64(c.Amount), a.window.bucket.Milliseconds(), a.window.buckets, pollAfter.Milliseconds(),
		stuckAfter.Milliseconds(), mostAhead.Milliseconds(),
	}
	args = append(args, c.Batch.numbers(now)...)
	for _, candidate := range c.Candidates {
		keys = append(keys, a.keys.keysOf(candidate.Account)...)
		args = append(args, candidate.Account.APIKey, candidate.Account.Project, candidate.Account.Team)
		args = append(args, candidate.numbers(now)...)
	}
	reply, err := a.run(ctx, reserveScript, keys, args...)
	if err != nil {
		return Grant{}, err
	}
	switch reply.outcome() {
	case wait:
		return Grant{}, reply.postponed(c.account(int(reply.number(8))), c.Ref.Batch)
	case settled:
		return Grant{}, ErrSettled
	case otherAccount:
		return Grant{}, &GrantedElsewhereError{Account: reply.account(1)}
	case lost:
		return Grant{}, ErrLost
	default:
		return Grant{
			Account: reply.account(4), Again: reply.number(1) == 1, Amount: job.CU(reply.number(2)),
			After: time.Duration(reply.number(3)) * time.Millisecond,
		}, nil
	}
}

// account is that of a candidate by its number, from 1; 0 is none in particular.
func (c Claim) account(number int) Account {
	if number < 1 || number > len(c.Candidates) {
		return Account{}
	}
	return c.Candidates[number-1].Account
}

// Request takes one place in the request rate of key and project for a read: a
// list, an asset. Reads may use the whole rate. Without a place it returns a
// [job.PostponedError].
func (a *Admission) Request(ctx context.Context, c Candidate) error {
	for _, l := range []Limits{c.Key, c.Project} {
		if err := l.validate(); err != nil {
			return fmt.Errorf("request for project %q: %w", c.Account.Project, err)
		}
	}
	k, account := a.keys, c.Account
	reply, err := a.run(ctx, requestScript,
		[]string{k.rate(keyScope, account.APIKey), k.rate(projectScope, account.Project), k.hold(projectScope, account.Project)},
		c.Key.RequestsPerMinute, c.Project.RequestsPerMinute, a.window.bucket.Milliseconds(), a.window.buckets)
	if err != nil {
		return fmt.Errorf("request for project %q: %w", account.Project, err)
	}
	if reply.outcome() == wait {
		return reply.postponed(account, "")
	}
	return nil
}
