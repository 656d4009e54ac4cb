package admission

import (
	"context"
	"fmt"
	"time"

	"nightshift/internal/job"
)

// Usage is what a scope uses now, for people.
type Usage struct {
	Key, Batch Spending
	Running    int // slots taken in the team
	Ceiling    int // of running jobs; 0 = not known
	// RequestsLeft is how many requests of the project fit into this minute;
	// -1 without a limit.
	RequestsLeft int
	// BlockedUntil is when the key or project is granted something again, and
	// BlockedFor why it is not now; zero if it is.
	BlockedUntil time.Time
	BlockedFor   job.WaitReason
}

// Spending is where the CU of a key or a batch are.
type Spending struct{ Spent, Reserved job.CU }

// Usage tells what the scope uses under these limits. It is a snapshot: what it
// shows as free may be taken a moment later.
func (a *Admission) Usage(ctx context.Context, s Scope, l Limits) (Usage, error) {
	k := a.keys
	r, err := a.run(ctx, usageScript,
		[]string{
			k.rate(s.Project), k.slots(s.Team), k.ceiling(s.Team), k.keyCU(s.APIKey), k.batchCU(s.Batch),
			k.keyHold(s.APIKey), k.projectHold(s.Project),
		},
		l.RequestsPerMinute, l.Parallel, a.window.bucket.Milliseconds(), a.window.buckets)
	if err != nil {
		return Usage{}, fmt.Errorf("read usage of key %q: %w", s.APIKey, err)
	}
	usage := Usage{
		RequestsLeft: int(r.number(0)),
		Running:      int(r.number(1)),
		Ceiling:      int(r.number(2)),
		Key:          Spending{Spent: job.CU(r.number(3)), Reserved: job.CU(r.number(4))},
		Batch:        Spending{Spent: job.CU(r.number(5)), Reserved: job.CU(r.number(6))},
		BlockedFor:   reasonOf(r.number(8)),
	}
	if till := r.number(7); till > 0 {
		usage.BlockedUntil = time.UnixMilli(till)
	}
	return usage, nil
}
