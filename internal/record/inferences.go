package record

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Ours reports which of the inference ids belong or belonged to a job of ours.
func (s *Store) Ours(ctx context.Context, ids []string) (map[string]bool, error) {
	ours := make(map[string]bool, len(ids))
	if len(ids) == 0 {
		return ours, nil
	}
	// go-redis' own ZMSCORE cannot tell an absent member from score 0.
	command := []any{"ZMSCORE", s.ownedKey()}
	for _, id := range ids {
		command = append(command, id)
	}
	scores, err := s.redis.Do(ctx, command...).Slice()
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
func (s *Store) Own(ctx context.Context, inference string, made time.Time) error {
	entry := redis.Z{Score: float64(made.UnixMilli()), Member: inference}
	if err := s.redis.ZAdd(ctx, s.ownedKey(), entry).Err(); err != nil {
		return fmt.Errorf("remember inference %s: %w", inference, err)
	}
	return nil
}

// Disown forgets inferences that were made before the time and belong to jobs
// that are over; no search looks back that far.
func (s *Store) Disown(ctx context.Context, before time.Time) error {
	limit := "(" + strconv.FormatInt(before.UnixMilli(), 10)
	if err := s.redis.ZRemRangeByScore(ctx, s.ownedKey(), "-inf", limit).Err(); err != nil {
		return fmt.Errorf("forget old inferences: %w", err)
	}
	return nil
}
