package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
)

// Fleet is one fleet of workers.
type Fleet struct {
	redis  redis.UniversalClient
	prefix string
}

// New returns the fleet of all workers on this Redis whose keys begin with prefix,
// which holds no brace. It uses the client and never closes it.
func New(client redis.UniversalClient, prefix string) *Fleet {
	return &Fleet{redis: client, prefix: prefix + ":{fleet}:"}
}

// Announce says that something in the bucket is new, so that workers look at once
// and not at their next round. The error is Redis'.
func (f *Fleet) Announce(ctx context.Context) error {
	if err := f.redis.Incr(ctx, f.newsKey()).Err(); err != nil {
		return fmt.Errorf("tell the workers: %w", err)
	}
	return nil
}

// News is a number that grows with every Announce. The error is Redis'.
func (f *Fleet) News(ctx context.Context) (int64, error) {
	news, err := f.redis.Get(ctx, f.newsKey()).Int64()
	if err != nil && !errors.Is(err, redis.Nil) {
		return 0, fmt.Errorf("ask whether something is new: %w", err)
	}
	return news, nil
}

// Feed is how far a batch is fed in the epoch of Redis that goes on.
type Feed struct {
	Epoch string `json:"epoch"` // of Redis, in which it was written
	Order string `json:"order"` // the submission that is worked on
	Lane  string `json:"lane"`  // in which its jobs are
	Fed   int    `json:"fed"`   // jobs of the plan that were given to the lane, from its start
	All   bool   `json:"all"`   // the whole plan was given
	// Unfed is what the jobs were quoted that were not given yet, and Held how many of those wait
	// for an image of another row.
	Unfed job.CU `json:"unfed,omitempty"`
	Held  int    `json:"held,omitempty"`
}

// feedsKept is how long it is remembered how far batches are fed in an epoch in which
// nothing was fed any more.
const feedsKept = 30 * 24 * time.Hour

// SetFeed notes how far a batch is fed in the epoch that feed names. What another epoch
// says of the batch stays as it is: who writes may not know yet that its own is over.
// The error is Redis'.
func (f *Fleet) SetFeed(ctx context.Context, batch string, feed Feed) error {
	text, err := json.Marshal(feed)
	if err == nil {
		pipe := f.redis.TxPipeline()
		pipe.HSet(ctx, f.feedsKey(feed.Epoch), batch, text)
		pipe.Expire(ctx, f.feedsKey(feed.Epoch), feedsKept)
		_, err = pipe.Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("note how far batch %s is fed: %w", batch, err)
	}
	return nil
}

// Feed returns how far a batch is fed in an epoch of Redis; zero if nothing of it was.
// The error is Redis'.
func (f *Fleet) Feed(ctx context.Context, epoch, batch string) (Feed, error) {
	var feed Feed
	text, err := f.redis.HGet(ctx, f.feedsKey(epoch), batch).Bytes()
	if errors.Is(err, redis.Nil) {
		return feed, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &feed)
	}
	if err != nil {
		return feed, fmt.Errorf("read how far batch %s is fed: %w", batch, err)
	}
	return feed, nil
}

// DropFeed forgets how far a batch is fed in an epoch. The error is Redis'.
func (f *Fleet) DropFeed(ctx context.Context, epoch, batch string) error {
	if err := f.redis.HDel(ctx, f.feedsKey(epoch), batch).Err(); err != nil {
		return fmt.Errorf("forget how far batch %s is fed: %w", batch, err)
	}
	return nil
}

// AddPool notes that jobs are kept in Redis under the name of a pool. The error is
// Redis'.
func (f *Fleet) AddPool(ctx context.Context, pool string) error {
	if err := f.redis.SAdd(ctx, f.poolsKey(), pool).Err(); err != nil {
		return fmt.Errorf("note pool %s: %w", pool, err)
	}
	return nil
}

// Pools are those that were noted. The error is Redis'.
func (f *Fleet) Pools(ctx context.Context) ([]string, error) {
	pools, err := f.redis.SMembers(ctx, f.poolsKey()).Result()
	if err != nil {
		return nil, fmt.Errorf("read the pools: %w", err)
	}
	return pools, nil
}

// DropPool forgets a pool whose jobs are deleted. The error is Redis'.
func (f *Fleet) DropPool(ctx context.Context, pool string) error {
	if err := f.redis.SRem(ctx, f.poolsKey(), pool).Err(); err != nil {
		return fmt.Errorf("forget pool %s: %w", pool, err)
	}
	return nil
}
