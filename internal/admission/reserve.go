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
	// stuckAfter is when to ask again for CU that a cap can never give as it is;
	// only a person who raises the cap changes that.
	stuckAfter = 30 * time.Second
)

// Reserve takes what one submission needs, all of it or nothing: a place in the
// request rate, a slot, and CU of key and batch.
//
// If that is not possible now it returns a [job.PostponedError]. An attempt that
// holds a live grant gets it again and nothing is taken twice. An attempt that
// is settled gets [ErrSettled]; one that was released is granted anew.
func (a *Admission) Reserve(ctx context.Context, c Claim) (Grant, error) {
	if err := c.validate(); err != nil {
		return Grant{}, fmt.Errorf("reserve for job %q attempt %d: %w", c.Job, c.Attempt, err)
	}
	s, k := c.Scope, a.keys
	reply, err := a.run(ctx, reserveScript,
		[]string{
			k.grant(s.Batch, c.Job, c.Attempt), k.rate(s.Project), k.slots(s.Team), k.ceiling(s.Team),
			k.keyCU(s.APIKey), k.batchCU(s.Batch), k.keyHold(s.APIKey), k.projectHold(s.Project),
		},
		owner(s.Batch, c.Job, c.Attempt), s.APIKey, s.Project, s.Team, int64(c.Amount),
		c.Limits.RequestsPerMinute, c.Limits.submits(), c.Limits.Parallel, limitCU(c.Limits.KeyCU), limitCU(c.Limits.BatchCU),
		a.window.bucket.Milliseconds(), a.window.buckets, pollAfter.Milliseconds(), stuckAfter.Milliseconds())
	if err != nil {
		return Grant{}, fmt.Errorf("reserve for job %q attempt %d: %w", c.Job, c.Attempt, err)
	}
	switch reply.outcome() {
	case wait:
		return Grant{}, reply.postponed(c.Scope)
	case settled:
		return Grant{}, fmt.Errorf("reserve for job %q attempt %d: %w", c.Job, c.Attempt, ErrSettled)
	default:
		s.APIKey, s.Project, s.Team = reply.text(3), reply.text(4), reply.text(5)
		return Grant{Scope: s, Again: reply.number(1) == 1, Amount: job.CU(reply.number(2))}, nil
	}
}

// Request takes one place in the request rate for a read: a list, an asset. Reads
// may use the whole rate. Without a place it returns a [job.PostponedError].
func (a *Admission) Request(ctx context.Context, s Scope, l Limits) error {
	if err := l.validate(); err != nil {
		return fmt.Errorf("request for project %q: %w", s.Project, err)
	}
	reply, err := a.run(ctx, requestScript,
		[]string{a.keys.rate(s.Project), a.keys.projectHold(s.Project)},
		l.RequestsPerMinute, a.window.bucket.Milliseconds(), a.window.buckets)
	if err != nil {
		return fmt.Errorf("request for project %q: %w", s.Project, err)
	}
	if reply.outcome() == wait {
		return reply.postponed(s)
	}
	return nil
}

// limitCU writes a cap for a script: -1 is none.
func limitCU(c *job.CU) int64 {
	if c == nil {
		return -1
	}
	return max(0, int64(*c))
}
