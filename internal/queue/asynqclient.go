package queue

import (
	"context"
	"errors"
	"nightshift/internal/backoff"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// asynqClient is Redis as the servers of asynq see it. It spares scripts and trips. A
// lane has a queue for each priority, and asynq asks one after the other for each task,
// in an order that it draws: a queue that was found empty is not asked again for some
// time, and then whether it exists comes first, which costs Redis far less than a script.
// The same goes for tasks that wait for their time. And the task of a job that is over was
// removed together with its record.
type asynqClient struct {
	redis.UniversalClient
	rest time.Duration // for which an empty queue is left alone

	mu    sync.Mutex
	empty map[string]time.Time // by the list of the pending: when it was found so

	removed *sync.Map // ids of tasks that run in this process and are removed
}

// failedRest is how long after an error Redis is asked for a task again: asynq would ask at
// once, and keep a processor busy with it for as long as Redis refuses.
const failedRest = 200 * time.Millisecond

func (q *Queue) asynqClient(rest time.Duration) *asynqClient {
	return &asynqClient{UniversalClient: q.redis, rest: rest, empty: make(map[string]time.Time), removed: &q.removed}
}

// EvalSha runs a script of asynq. That which takes a task begins its keys with the list of
// the pending, and answers nil if there is none. That which makes tasks pending whose time
// has come has two keys, the latter that list, and answers how many they were. That which
// ends one has the list of the active first, and fourth a count of what was processed.
func (c *asynqClient) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	switch {
	case len(keys) > 0 && strings.HasSuffix(keys[0], ":pending"):
		return c.take(ctx, sha, keys, args...)
	case len(keys) == 2 && strings.HasSuffix(keys[1], ":pending"):
		if c.absent(ctx, keys[0]) {
			cmd := redis.NewCmd(ctx)
			cmd.SetVal(int64(0))
			return cmd
		}
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
	switch since, empty := c.emptySince(keys[0]); {
	case empty && time.Since(since) < c.rest:
	case empty && c.absent(ctx, keys[0]):
		c.mark(keys[0], true)
	default:
		cmd := c.UniversalClient.EvalSha(ctx, sha, keys, args...)
		none := errors.Is(cmd.Err(), redis.Nil)
		c.mark(keys[0], none)
		if cmd.Err() != nil && !none {
			_ = backoff.Sleep(ctx, failedRest) // the error is told
		}
		return cmd
	}
	cmd := redis.NewCmd(ctx)
	cmd.SetErr(redis.Nil)
	return cmd
}

// emptySince tells when a list of the pending was found empty, if it was so last.
func (c *asynqClient) emptySince(pending string) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	since, empty := c.empty[pending]
	return since, empty
}

func (c *asynqClient) mark(pending string, empty bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if empty {
		c.empty[pending] = time.Now()
	} else {
		delete(c.empty, pending)
	}
}

// absent reports whether a key is known not to exist. If Redis does not answer, the script
// that follows tells the error.
func (c *asynqClient) absent(ctx context.Context, key string) bool {
	n, err := c.Exists(ctx, key).Result()
	return err == nil && n == 0
}
