package queue

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Ours reports which of the inference ids belong or belonged to a job of ours.
func (q *Queue) Ours(ctx context.Context, ids []string) (map[string]bool, error) {
	ours := make(map[string]bool, len(ids))
	if len(ids) == 0 {
		return ours, nil
	}
	// go-redis' own ZMSCORE cannot tell an absent member from score 0.
	command := []any{"ZMSCORE", q.ownedKey()}
	for _, id := range ids {
		command = append(command, id)
	}
	scores, err := q.redis.Do(ctx, command...).Slice()
	if err != nil {
		return nil, fmt.Errorf("look up inferences of ours: %w", err)
	}
	for i, id := range ids {
		ours[id] = scores[i] != nil
	}
	return ours, nil
}

// Own remembers inferences of jobs that are over, so that they are never adopted
// by another job; made is when the provider made them.
func (q *Queue) Own(ctx context.Context, inference string, made time.Time) error {
	entry := redis.Z{Score: float64(made.UnixMilli()), Member: inference}
	if err := q.redis.ZAdd(ctx, q.ownedKey(), entry).Err(); err != nil {
		return fmt.Errorf("remember inference %s: %w", inference, err)
	}
	return nil
}

// Disown forgets inferences that were made before the time and belong to jobs
// that are over; no search looks back that far.
func (q *Queue) Disown(ctx context.Context, before time.Time) error {
	limit := "(" + strconv.FormatInt(before.UnixMilli(), 10)
	if err := q.redis.ZRemRangeByScore(ctx, q.ownedKey(), "-inf", limit).Err(); err != nil {
		return fmt.Errorf("forget old inferences: %w", err)
	}
	return nil
}
