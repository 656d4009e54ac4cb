package queue

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

func TestAPostponedLaneIsWoken(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		q := newQueue(t, client)
		refs := map[job.Ref]job.Priority{
			{Batch: "potions", ID: "a"}: job.Urgent, {Batch: "potions", ID: "b"}: job.Normal, {Batch: "potions", ID: "c"}: job.Overnight,
		}
		ran := make(chan job.Ref, len(refs))
		servers := start(t, q, func(_ context.Context, ref job.Ref) error {
			ran <- ref
			return &job.PostponedError{After: 24 * time.Hour, Reason: job.WaitQuarantine}
		}, idle(t), time.Second)
		defer servers.Stop()
		if err := q.Park(t.Context(), ref, 1, time.Hour); err != nil { // is not of the lane, and sleeps on
			t.Fatal(err)
		}
		round := func() {
			t.Helper()
			deadline := time.After(10 * time.Second)
			for range refs {
				select {
				case <-ran:
				case <-deadline:
					t.Fatal("not all jobs of the lane ran")
				}
			}
			await(t, "all jobs wait for their time", func() bool {
				var waiting int64
				for _, priority := range priorities {
					waiting += client.ZCard(t.Context(), retryKey(q.laneName(priority))).Val()
				}
				return waiting == int64(len(refs))
			})
		}
		for ref, priority := range refs {
			if err := q.Enqueue(t.Context(), priority, 1, ref); err != nil {
				t.Fatal(err)
			}
		}
		round()
		for range 2 { // those that still may not run wait again, and are woken again
			if err := q.WakeLane(t.Context()); err != nil {
				t.Fatal(err)
			}
			round()
		}
	})
}

func TestALaneIsWokenInPartsAndInOrder(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		q := newQueue(t, client)
		lane := q.laneName(job.Normal)
		const tasks = wakeAtMost + 5
		due := make([]redis.Z, tasks)
		for i := range due {
			due[i] = redis.Z{Score: float64(time.Now().Add(time.Hour).Unix() + int64(i)), Member: fmt.Sprintf("task%d", i)}
		}
		if err := client.ZAdd(t.Context(), retryKey(lane), due...).Err(); err != nil {
			t.Fatal(err)
		}
		for i, want := range []int64{wakeAtMost, tasks} {
			if err := q.WakeLane(t.Context()); err != nil {
				t.Fatal(err)
			}
			if pending, waiting := client.LLen(t.Context(), pendingKey(lane)).Val(), client.ZCard(t.Context(), retryKey(lane)).Val(); pending != want || waiting != tasks-want {
				t.Errorf("call %d: %d pending, %d waiting, want %d pending", i, pending, waiting, want)
			}
		}
		if first := client.RPop(t.Context(), pendingKey(lane)).Val(); first != "task0" {
			t.Errorf("%s runs first, want the one that was due first", first)
		}
	})
}

// TestWipeLeavesNothingOfItsPool has tasks in all states, one that a dead process
// left running and one that asynq has lost, and pools with names like this one's.
func TestWipeLeavesNothingOfItsPool(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		pools := []string{"icons", "icons-normal", "test/icons", "icons-normal}:t", "icons*", "{}", "i c:ö"}
		queues := make([]*Queue, len(pools))
		for i, pool := range pools {
			q := poolQueue(t, client, pool)
			queues[i] = q
			for _, priority := range priorities {
				if err := q.Enqueue(t.Context(), priority, 1, ref); err != nil {
					t.Fatalf("pool %q: %v", pool, err)
				}
			}
			if err := q.Park(t.Context(), ref, 1, time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		lane := queues[0].laneName(job.Overnight)
		if err := client.RPopLPush(t.Context(), pendingKey(lane), prefix(lane)+"active").Err(); err != nil {
			t.Fatal(err)
		}
		if err := client.Del(t.Context(), pendingKey(queues[0].laneName(job.Urgent))).Err(); err != nil {
			t.Fatal(err)
		}
		for i, q := range queues {
			if !collecting(t, q, 1) || !submitting(t, q, 1) {
				t.Fatalf("pool %q lost a task", pools[i])
			}
			if err := q.Wipe(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, name := range q.names() {
				if left := client.Keys(t.Context(), "asynq:{"+name+"}:*").Val(); len(left) != 0 {
					t.Errorf("pool %q: %v are left", pools[i], left)
				}
			}
		}
		if left := client.Keys(t.Context(), "*").Val(); len(left) != 1 { // asynq's list of queues
			t.Errorf("%v are left", left)
		}
		q := queues[0] // the same ids are free again
		if err := q.Enqueue(t.Context(), job.Urgent, 1, ref); err != nil {
			t.Fatal(err)
		}
		if !has(t, q, job.Queued, 1, job.Urgent) {
			t.Error("after a wipe no task can be added")
		}
	})
}

// TestRemoveForgetsTheNames has a pool beside another, which keeps its names.
func TestRemoveForgetsTheNames(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		gone, kept := poolQueue(t, client, "icons a"), poolQueue(t, client, "icons b")
		for _, q := range []*Queue{gone, kept} {
			if err := q.Enqueue(t.Context(), job.Normal, 1, ref); err != nil {
				t.Fatal(err)
			}
		}
		if err := gone.Remove(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left := client.SMembers(t.Context(), allQueuesKey).Val(); !slices.Equal(slices.Sorted(slices.Values(left)), slices.Sorted(slices.Values(kept.names()))) {
			t.Errorf("asynq knows the queues %q", left)
		}
		if !submitting(t, kept, 1) {
			t.Error("the other pool lost its task")
		}
	})
}
