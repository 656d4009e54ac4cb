package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

func TestOnlyTheLatestHolderFinishesAJob(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		store := setup(t, client)
		first := claim(t, store)
		second := claim(t, store)
		if err := store.Finish(t.Context(), first, job.Failed, 0); !errors.Is(err, job.ErrFenced) {
			t.Fatalf("first holder: %v, want ErrFenced", err)
		}
		if got, err := store.Get(t.Context(), ref); err != nil || got.Fence != second.Fence {
			t.Fatalf("the record after a refused end: %+v, %v", got, err)
		}
		if err := store.Finish(t.Context(), second, job.Succeeded, 4); err != nil {
			t.Fatal(err)
		}
		// It hears that the job is over, and changes nothing.
		if err := store.Finish(t.Context(), first, job.Failed, 0); err != nil {
			t.Fatalf("first holder after the end: %v", err)
		}
		counts, err := store.Counts(t.Context(), ref.Batch)
		if err != nil {
			t.Fatal(err)
		}
		want := job.Counts{Jobs: map[job.State]int{job.Queued: 0, job.Succeeded: 1}, Images: 4}
		if diff := cmp.Diff(want, counts); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
	})
}

// TestANewStoreHearsOfEndedJobs has jobs that ended before, with and without a
// record, and one whose record was lost while it ended.
func TestANewStoreHearsOfEndedJobs(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		store := setup(t, client)
		lost := claim(t, store)
		if err := store.Wipe(t.Context()); err != nil {
			t.Fatal(err)
		}
		before, known := job.Ref{Batch: "potions", ID: "bbbb"}, job.Ref{Batch: "potions", ID: "cccc"}
		add(t, store, known, 5)
		for range 2 { // a repeat changes nothing
			for i, end := range []error{
				store.Ended(t.Context(), before, 4, job.Succeeded, 2),
				store.Ended(t.Context(), known, 5, job.Failed, 0),
				store.Finish(t.Context(), lost, job.Succeeded, 1),
			} {
				if end != nil {
					t.Fatalf("end %d: %v", i, end)
				}
			}
		}
		for i, r := range []job.Ref{ref, before, known} {
			if state := add(t, store, r, 3+i); state != "" {
				t.Errorf("add %s: it is %s", r, state)
			}
		}
		counts, err := store.Counts(t.Context(), ref.Batch)
		if err != nil {
			t.Fatal(err)
		}
		want := job.Counts{Jobs: map[job.State]int{job.Queued: 0, job.Succeeded: 2, job.Failed: 1}, Images: 3}
		if diff := cmp.Diff(want, counts); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
	})
}

// TestTheTaskGoesWithTheJob ends a job in its collect task, and one whose collect task
// is parked.
func TestTheTaskGoesWithTheJob(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		q := newQueue(t, client)
		running(t, q)
		if err := q.Park(t.Context(), ref, 1, time.Hour); err != nil {
			t.Fatal(err)
		}
		parked := job.Ref{Batch: ref.Batch, ID: "bbbb"}
		add(t, q, parked, 4)
		if err := q.Park(t.Context(), parked, 1, time.Hour); err != nil {
			t.Fatal(err)
		}
		rec, err := q.Get(t.Context(), parked)
		if err == nil {
			err = q.Finish(t.Context(), rec, job.Failed, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		left(t, q, q.collectName(), taskID(collectTask, parked, 1))

		ended := make(chan error, 1)
		servers := start(t, q, idle(t), func(ctx context.Context, ref job.Ref) error {
			rec, _, err := q.Claim(ctx, ref, job.Storing)
			if err == nil {
				err = q.Finish(ctx, rec, job.Succeeded, 1)
			}
			left(t, q, q.collectName(), taskID(collectTask, ref, 1))
			ended <- err
			return err
		}, time.Second)
		collect(t, q)
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the task did not run")
		}
		servers.Stop()
		q.removed.Range(func(id, _ any) bool {
			t.Errorf("asynq never ended task %s", id)
			return true
		})
		if done := client.Keys(t.Context(), prefix(q.collectName())+"processed*").Val(); len(done) > 0 {
			t.Errorf("asynq ended a task in Redis that was gone: %v", done)
		}
	})
}
