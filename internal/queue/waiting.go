package queue

import (
	"context"
	"fmt"
	"time"

	"nightshift/internal/job"
)

// AnnounceWaiting says that a job of this priority waits for a limit, for ttl. The
// error is Redis'.
func (q *Queue) AnnounceWaiting(ctx context.Context, priority job.Priority, ttl time.Duration) error {
	if err := q.redis.Set(ctx, q.waitingKey(priority), 1, ttl).Err(); err != nil {
		return fmt.Errorf("say that %s jobs wait: %w", priority, err)
	}
	return nil
}

// HigherWaiting reports whether jobs that go before those of this priority wait, in
// whatever process. The error is Redis'.
func (q *Queue) HigherWaiting(ctx context.Context, priority job.Priority) (bool, error) {
	var keys []string
	for _, higher := range job.Priorities {
		if higher == priority {
			break
		}
		keys = append(keys, q.waitingKey(higher))
	}
	if len(keys) == 0 {
		return false, nil
	}
	waiting, err := q.redis.Exists(ctx, keys...).Result()
	if err != nil {
		return false, fmt.Errorf("ask whether jobs before %s ones wait: %w", priority, err)
	}
	return waiting > 0, nil
}
