package queue

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/redistest"
)

func lastLook(t *testing.T, store *Queue) time.Time {
	t.Helper()
	looked, err := store.LastPoll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return looked
}

func TestALookIsRemembered(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		store := poolQueue(t, client, "pool")
		if looked := lastLook(t, store); !looked.IsZero() {
			t.Fatalf("looked at %s before anybody did", looked)
		}
		if err := store.RecordPoll(t.Context()); err != nil {
			t.Fatal(err)
		}
		if age := time.Since(lastLook(t, store)); age < 0 || age > 10*time.Second {
			t.Errorf("looked %s ago, want just now", age)
		}
	})
}

// TestTheTimeOfALookIsOfOneClock has a Redis whose clock is a day from ours: what
// counts is how much time it saw between the look and the question.
func TestTheTimeOfALookIsOfOneClock(t *testing.T) {
	t.Parallel()
	server, client := redistest.Emulator(t)
	store := poolQueue(t, client, "pool")
	for _, off := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		looked := time.Now().Add(off)
		server.SetTime(looked)
		if err := store.RecordPoll(t.Context()); err != nil {
			t.Fatal(err)
		}
		server.SetTime(looked.Add(5 * time.Minute))
		if age := time.Since(lastLook(t, store)); age < 5*time.Minute || age > 5*time.Minute+10*time.Second {
			t.Errorf("clock off by %s: looked %s ago, want 5m", off, age)
		}
	}
}
