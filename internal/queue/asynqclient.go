package queue

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// asynqClient is Redis as the servers of asynq see it. It spares two kinds of trips. A
// lane has a queue for each priority, and asynq asks one after the other for each task,
// in an order that it draws: a queue that was found empty is not asked again for some
// time. And the task of a job that is over was removed together with its record.
type asynqClient struct {
	redis.UniversalClient
	rest time.Duration // for which an empty queue is left alone

	mu    sync.Mutex
	empty map[string]time.Time // by the list of the pending: when it was found so

	removed *sync.Map // ids of tasks that run in this process and are removed
}

func (q *Queue) asynqClient(rest time.Duration) *asynqClient {
	return &asynqClient{UniversalClient: q.redis, rest: rest, empty: make(map[string]time.Time), removed: &q.removed}
}

// EvalSha runs a script of asynq. That which takes a task begins its keys with the list of
// the pending, and answers nil if there is none. That which ends one has the list of the
// active first, and fourth a count of what was processed.
func (c *asynqClient) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	switch {
	case len(keys) > 0 && strings.HasSuffix(keys[0], ":pending"):
		return c.take(ctx, sha, keys, args...)
	case len(keys) == 5 && strings.HasSuffix(keys[0], ":active") && strings.Contains(keys[3], ":processed:"):
		if _, gone := c.removed.LoadAndDelete(args[0]); gone {
			cmd := redis.NewCmd(ctx)
			cmd.SetVal("OK")
			return cmd
		}
	}
	return c.UniversalClient.EvalSha(ctx, sha, keys, args...)
}

func (c *asynqClient) take(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	if c.rests(keys[0]) {
		cmd := redis.NewCmd(ctx)
		cmd.SetErr(redis.Nil)
		return cmd
	}
	cmd := c.UniversalClient.EvalSha(ctx, sha, keys, args...)
	if errors.Is(cmd.Err(), redis.Nil) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.empty[keys[0]] = time.Now()
	}
	return cmd
}

func (c *asynqClient) rests(pending string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.empty[pending]) < c.rest
}
