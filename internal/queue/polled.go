package queue

import (
	"context"
	"fmt"
	"time"
)

// RecordPoll remembers that the runs of the pool were looked at just now.
func (q *Queue) RecordPoll(ctx context.Context) error {
	if err := polledScript.Run(ctx, q.redis, []string{q.polledKey()}).Err(); err != nil {
		return fmt.Errorf("record poll of the job list: %w", err)
	}
	return nil
}

// LastPoll is when the runs of the pool were looked at last, by the clock of this
// machine, however wrong the one of the machine that looked; zero if never.
func (q *Queue) LastPoll(ctx context.Context) (time.Time, error) {
	ago, err := lastPollScript.Run(ctx, q.redis, []string{q.polledKey()}).Int64()
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("read time of the last poll of the job list: %w", err)
	case ago < 0:
		return time.Time{}, nil
	default:
		return time.Now().Add(-time.Duration(ago) * time.Millisecond), nil
	}
}
