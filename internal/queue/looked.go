package queue

import (
	"context"
	"fmt"
	"time"
)

// Looked remembers that the runs of the pool were looked at just now.
func (q *Queue) Looked(ctx context.Context) error {
	if err := lookedScript.Run(ctx, q.redis, []string{q.lookedKey()}).Err(); err != nil {
		return fmt.Errorf("remember look at the job list: %w", err)
	}
	return nil
}

// LastLook is when the runs of the pool were looked at last, by the clock of this
// machine, however wrong the one of the machine that looked; zero if never.
func (q *Queue) LastLook(ctx context.Context) (time.Time, error) {
	ago, err := lastLookScript.Run(ctx, q.redis, []string{q.lookedKey()}).Int64()
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("read time of the last look at the job list: %w", err)
	case ago < 0:
		return time.Time{}, nil
	default:
		return time.Now().Add(-time.Duration(ago) * time.Millisecond), nil
	}
}
