package rediskeys_test

import (
	"errors"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/rediskeys"
	"nightshift/internal/redistest"
)

// More keys than are handled at once all come, and an error ends it.
func TestEach(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		for i := range 1234 {
			mustDo(t, client.Set(t.Context(), "k:"+strconv.Itoa(i), 1, 0).Err())
		}
		seen, calls := map[string]bool{}, 0
		mustDo(t, rediskeys.Each(t.Context(), client, "k:", func(keys []string) error {
			calls++
			for _, key := range keys {
				seen[key] = true
			}
			return nil
		}))
		if len(seen) != 1234 || calls < 3 {
			t.Errorf("got %d keys in %d calls, want 1234 some at a time", len(seen), calls)
		}
		stop := errors.New("stop")
		calls = 0
		err := rediskeys.Each(t.Context(), client, "k:", func([]string) error {
			calls++
			return stop
		})
		if !errors.Is(err, stop) || calls != 1 {
			t.Errorf("got %v after %d calls, want the first error", err, calls)
		}
		mustDo(t, rediskeys.Delete(t.Context(), client, "k:"))
		if n := client.DBSize(t.Context()).Val(); n != 0 {
			t.Errorf("%d keys are left", n)
		}
	})
}

func mustDo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
