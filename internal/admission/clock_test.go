package admission

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// handClock stands in for the clock of a Redis: it writes its own time where a script
// asks for that of the server. How long keys are kept is still up to the server.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock(now time.Time) *handClock { return &handClock{now: now.Truncate(time.Millisecond)} }

func (c *handClock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now.Truncate(time.Millisecond)
}

func (c *handClock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) move(d time.Duration) { c.set(c.time().Add(d)) }

const askTime = "redis.call('TIME')"

func (c *handClock) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		switch cmd.Name() {
		case "evalsha": // the text is needed
			cmd.SetErr(redis.ErrNoScript)
			return redis.ErrNoScript
		case "eval":
			now, args := c.time(), cmd.Args()
			told := fmt.Sprintf("{'%d', '%d'}", now.Unix(), now.Nanosecond()/1000)
			args[1] = strings.ReplaceAll(args[1].(string), askTime, told)
		}
		return next(ctx, cmd)
	}
}

func (c *handClock) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *handClock) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// Every script takes the time from the place where the clock of a test is put in.
func TestScriptsAskTheTimeInOnePlace(t *testing.T) {
	t.Parallel()
	files, err := luaFiles.ReadDir("lua")
	mustDo(t, err)
	places := 0
	for _, file := range files {
		text, err := luaFiles.ReadFile("lua/" + file.Name())
		mustDo(t, err)
		places += strings.Count(string(text), "'TIME'")
		if strings.Contains(string(text), "'TIME'") && !strings.Contains(string(text), askTime) {
			t.Errorf("%s asks for the time in words that the tests do not know", file.Name())
		}
	}
	if places != 1 {
		t.Errorf("the time is asked for in %d places, want 1", places)
	}
}
