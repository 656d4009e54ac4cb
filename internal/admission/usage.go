package admission

import (
	"context"
	"fmt"
	"time"

	"nightshift/internal/job"
)

// Usage is what an API key and what it belongs to use now, for people.
type Usage struct {
	Key, Project, Team, Batch ScopeUsage
}

// ScopeUsage is what one scope uses. What does not count there is zero.
type ScopeUsage struct {
	// RequestsLeft is how many requests fit into this minute, of key and project;
	// -1 without a limit.
	RequestsLeft int
	Running      int // slots taken, of key and team
	Ceiling      int // of running jobs; 0 = not known
	// BlockedUntil is when something is granted again, and BlockedFor why it is
	// not now; zero if it is.
	BlockedUntil time.Time
	BlockedFor   job.WaitReason

	Reserved                     job.CU
	Spent, SpentToday, SpentThis job.CU // in all, this day, this month
	DayEnds, MonthEnds           time.Time
}

// Usage tells what a candidate and a batch use. It is a snapshot: what it shows as
// free may be taken a moment later.
func (a *Admission) Usage(ctx context.Context, c Candidate, batch string, ofBatch Limits) (Usage, error) {
	now := time.Now()
	args := append([]any{a.window.bucket.Milliseconds(), a.window.buckets}, c.numbers(now)...)
	r, err := a.run(ctx, usageScript,
		append(a.keys.keysOf(c.Account), a.keys.cu(batchScope, batch)), append(args, ofBatch.numbers(now)...)...)
	if err != nil {
		return Usage{}, fmt.Errorf("read usage of key %q: %w", c.Account.APIKey, err)
	}
	var u Usage
	u.Key.RequestsLeft, u.Project.RequestsLeft = int(r.number(0)), int(r.number(1))
	u.Key.Running, u.Key.Ceiling = int(r.number(2)), int(r.number(3))
	u.Team.Running, u.Team.Ceiling = int(r.number(4)), int(r.number(5))
	for i, s := range []*ScopeUsage{&u.Key, &u.Project, &u.Team} {
		s.BlockedUntil, s.BlockedFor = moment(r.number(6+2*i)), reasonOf(r.number(7+2*i))
	}
	for i, s := range []*ScopeUsage{&u.Key, &u.Project, &u.Team, &u.Batch} {
		at := 12 + 6*i
		s.Reserved, s.Spent = job.CU(r.number(at)), job.CU(r.number(at+1))
		s.SpentToday, s.SpentThis = job.CU(r.number(at+2)), job.CU(r.number(at+3))
		s.DayEnds, s.MonthEnds = moment(r.number(at+4)), moment(r.number(at+5))
	}
	return u, nil
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
