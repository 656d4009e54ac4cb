package queue

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

// pools have names that would be the beginning of another's keys, or no hash tag, if
// they were taken as they are.
var pools = []string{"icons", "test/icons", "icons}:job", "}", "{icons}", "icons*", "icon?", "i c:ö", "icons%7D"}

// hashTag is the part of a key that decides on which node of a cluster it is; the
// whole key if there is none.
func hashTag(key string) string {
	_, after, opened := strings.Cut(key, "{")
	tag, _, closed := strings.Cut(after, "}")
	if !opened || !closed || tag == "" {
		return key
	}
	return tag
}

func TestAllKeysOfAPoolShareAHashTag(t *testing.T) {
	t.Parallel()
	for _, pool := range pools {
		_, client := redistest.Emulator(t)
		store := poolQueue(t, client, pool)
		add(t, store, ref, 3)
		run := job.Change{From: from(job.Queued), To: job.Running, Inference: "job_1", Started: time.Now()}
		if err := store.Observe(t.Context(), ref, run); err != nil {
			t.Fatal(err)
		}
		keys := client.Keys(t.Context(), "*").Val()
		for _, key := range keys {
			if hashTag(key) != hashTag(keys[0]) {
				t.Errorf("pool %q: keys %s and %s have different hash tags", pool, key, keys[0])
			}
		}
	}
}

func TestWipeLeavesOtherPoolsAlone(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		stores := make([]*Queue, len(pools))
		for i, pool := range pools {
			stores[i] = poolQueue(t, client, pool)
			add(t, stores[i], ref, 3)
		}
		for i, pool := range pools {
			if _, err := stores[i].Get(t.Context(), ref); err != nil {
				t.Fatalf("pool %q lost its record: %v", pool, err)
			}
			if err := stores[i].Wipe(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := stores[i].Get(t.Context(), ref); !errors.Is(err, job.ErrRecordGone) {
				t.Errorf("pool %q after its wipe: %v, want ErrRecordGone", pool, err)
			}
		}
		if left := client.DBSize(t.Context()).Val(); left != 0 {
			t.Errorf("%d keys are left", left)
		}
	})
}
