package admission

import (
	"context"
	"fmt"
	"time"

	"nightshift/internal/job"
)

// Usage is what scopes use now, for people.
type Usage map[Kind]ScopeUsage

// ScopeUsage is what one scope uses. What is not counted there is zero.
type ScopeUsage struct {
	// RequestsLeft is how many requests fit into this minute; -1 without a limit.
	RequestsLeft int
	Running      int // slots taken
	Ceiling      int // of running jobs; 0 = not known
	// BlockedUntil is when something is granted again, and BlockedFor why it is
	// not now; zero if it is.
	BlockedUntil time.Time
	BlockedFor   job.WaitReason

	Reserved                     job.CU
	Spent, SpentToday, SpentThis job.CU // in all, this day, this month
	DayEnds, MonthEnds           time.Time
}

// Usage tells what scopes use. It is a snapshot: what it shows as free may be taken a
// moment later.
func (a *Admission) Usage(ctx context.Context, scopes ...Scope) (Usage, error) {
	r, err := a.ask(ctx, usageScript, nil, a.newAsk(scopes...))
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	used := make(Usage, len(scopes))
	for i, s := range scopes {
		one, _ := r[i].([]any)
		n := answer(one).number
		used[s.Kind] = ScopeUsage{
			RequestsLeft: int(n(0)), Running: int(n(1)), Ceiling: int(n(2)), BlockedUntil: moment(n(3)), BlockedFor: reasonOf(n(4)),
			Reserved: job.CU(n(5)), Spent: job.CU(n(6)), SpentToday: job.CU(n(7)), SpentThis: job.CU(n(8)),
			DayEnds: moment(n(9)), MonthEnds: moment(n(10)),
		}
	}
	return used, nil
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
