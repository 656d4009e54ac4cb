package fleet

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// workKept is how long it is remembered what was done for a batch that nobody ends.
const workKept = 30 * 24 * time.Hour

// AddWork adds to the counts of what the workers did for a submission of a batch, such
// as requests by operation. The error is Redis'.
func (f *Fleet) AddWork(ctx context.Context, batch, submission string, counts map[string]int64) error {
	if len(counts) == 0 {
		return nil
	}
	key := f.workKey(batch, submission)
	pipe := f.redis.TxPipeline()
	for name, n := range counts {
		pipe.HIncrBy(ctx, key, name, n)
	}
	pipe.Expire(ctx, key, workKept)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("count what was done for batch %s: %w", batch, err)
	}
	return nil
}

// Work is what the workers did for a submission, as far as Redis kept it. The error is
// Redis'.
func (f *Fleet) Work(ctx context.Context, batch, submission string) (map[string]int64, error) {
	texts, err := f.redis.HGetAll(ctx, f.workKey(batch, submission)).Result()
	if err != nil {
		return nil, fmt.Errorf("read what was done for batch %s: %w", batch, err)
	}
	counts := make(map[string]int64, len(texts))
	for name, text := range texts {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read what was done for batch %s: %w", batch, err)
		}
		counts[name] = n
	}
	return counts, nil
}

// DropWork forgets what was done for a submission that is over. The error is Redis'.
func (f *Fleet) DropWork(ctx context.Context, batch, submission string) error {
	if err := f.redis.Del(ctx, f.workKey(batch, submission)).Err(); err != nil {
		return fmt.Errorf("forget what was done for batch %s: %w", batch, err)
	}
	return nil
}
