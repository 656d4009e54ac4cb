package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

// has reports whether a task brings the job on, by its state: a submit task while it is
// queued, a collect task while it is stored.
func has(t *testing.T, q *Queue, state job.State, generation int, priority job.Priority) bool {
	t.Helper()
	rec := &job.Record{Ref: ref, State: state, Generation: generation, Priority: priority}
	gone, err := q.abandoned(t.Context(), rec, int(leaseMargin.Seconds()))
	if err != nil {
		t.Fatal(err)
	}
	return !gone
}

func submitting(t *testing.T, q *Queue, generation int) bool {
	t.Helper()
	return has(t, q, job.Queued, generation, job.Normal)
}

func collecting(t *testing.T, q *Queue, generation int) bool {
	t.Helper()
	return has(t, q, job.Storing, generation, job.Normal)
}

// await calls met until it is true, or fails the test.
func await(t *testing.T, what string, met func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !met() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TestATaskThatAsynqLosesIsNotThere takes the lease entries of running tasks away,
// after which asynq itself loses them at their end.
func TestATaskThatAsynqLosesIsNotThere(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		q := newQueue(t, client)
		lane, collect := q.laneName(job.Normal), q.collectName()
		running, goOn := make(chan bool), make(chan bool)
		handler := func(context.Context, job.Ref) error {
			running <- true
			<-goOn
			return nil
		}
		servers := start(t, q, handler, handler, time.Second)
		defer servers.Stop()
		if err := q.Enqueue(t.Context(), job.Normal, 1, ref); err != nil {
			t.Fatal(err)
		}
		if err := q.Park(t.Context(), ref, 1, 0); err != nil {
			t.Fatal(err)
		}
		<-running
		<-running
		if !collecting(t, q, 1) || !submitting(t, q, 1) {
			t.Fatal("running tasks are not there")
		}
		for _, queue := range []string{lane, collect} {
			if n := client.Del(t.Context(), leaseKey(queue)).Val(); n != 1 {
				t.Fatalf("%s has no lease where it was looked for", queue)
			}
		}
		goOn <- true
		goOn <- true
		await(t, "asynq ends both tasks", func() bool {
			return client.LLen(t.Context(), prefix(lane)+"active").Val()+client.LLen(t.Context(), prefix(collect)+"active").Val() == 0
		})
		for _, key := range []string{taskPrefix(lane) + taskID(submitTask, ref, 1), taskPrefix(collect) + taskID(collectTask, ref, 1)} {
			if state := client.HGet(t.Context(), key, "state").Val(); state != "active" {
				t.Fatalf("asynq did not lose %s: state %q", key, state)
			}
		}
		if submitting(t, q, 1) {
			t.Error("a lost submit task is there")
		}
		if collecting(t, q, 1) {
			t.Error("a lost collect task is there")
		}
		if err := q.Enqueue(t.Context(), job.Normal, 2, ref); err != nil {
			t.Fatal(err)
		}
		<-running // the next generation
		goOn <- true
	})
}

// TestATaskIsThereWhileAServerWillFindIt has tasks in every state as asynq makes
// them, then takes each out of its list.
func TestATaskIsThereWhileAServerWillFindIt(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		q := newQueue(t, client)
		lane, id := q.laneName(job.Normal), taskID(submitTask, ref, 1)
		state := func() string { return client.HGet(t.Context(), taskPrefix(lane)+id, "state").Val() }
		for _, test := range []struct {
			state   string
			outcome error
		}{
			{"pending", nil},
			{"retry", &job.PostponedError{After: time.Hour, Reason: job.WaitBatchCU}},
			{"archived", job.ErrInvalid},
		} {
			if err := q.Wipe(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := q.Enqueue(t.Context(), job.Normal, 1, ref); err != nil {
				t.Fatal(err)
			}
			if test.outcome != nil {
				servers := start(t, q, func(context.Context, job.Ref) error { return test.outcome }, idle(t), time.Second)
				await(t, "the task is "+test.state, func() bool { return state() == test.state })
				servers.Stop()
			}
			if got := state(); got != test.state || !submitting(t, q, 1) {
				t.Errorf("a task is %s, want %s, and not there", got, test.state)
			}
			if n := client.Del(t.Context(), prefix(lane)+test.state).Val(); n != 1 {
				t.Fatalf("no list of the %s where it was looked for", test.state)
			}
			if submitting(t, q, 1) {
				t.Errorf("a task that is in no list is there: %s", test.state)
			}
		}
	})
}

// TestALeaseMayBeOverForAWhile has a task of a process that died.
func TestALeaseMayBeOverForAWhile(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		q := newQueue(t, client)
		lane, id := q.laneName(job.Normal), taskID(submitTask, ref, 1)
		leaveRunning(t, q, client, lane, id)
		for _, test := range []struct {
			over  time.Duration
			there bool
		}{
			{-20 * time.Second, true}, {2 * time.Minute, true}, {4 * time.Minute, false},
		} {
			end := redis.Z{Score: float64(time.Now().Add(-test.over).Unix()), Member: id}
			if err := client.ZAdd(t.Context(), leaseKey(lane), end).Err(); err != nil {
				t.Fatal(err)
			}
			if there := submitting(t, q, 1); there != test.there {
				t.Errorf("lease over for %s: there %v, want %v", test.over, there, test.there)
			}
		}
	})
}

// leaveRunning enqueues a task and leaves it as a process does that was killed
// while it ran it.
func leaveRunning(t *testing.T, q *Queue, client redis.UniversalClient, lane, id string) {
	t.Helper()
	if err := q.Enqueue(t.Context(), job.Normal, 1, ref); err != nil {
		t.Fatal(err)
	}
	_, err := client.TxPipelined(t.Context(), func(p redis.Pipeliner) error {
		p.RPopLPush(t.Context(), pendingKey(lane), prefix(lane)+"active")
		p.HSet(t.Context(), taskPrefix(lane)+id, "state", "active")
		p.ZAdd(t.Context(), leaseKey(lane), redis.Z{Score: float64(time.Now().Add(30 * time.Second).Unix()), Member: id})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestACancelledContextEndsACall(t *testing.T) {
	t.Parallel()
	_, client := redistest.Emulator(t)
	q := newQueue(t, client)
	if err := q.Park(t.Context(), ref, 1, time.Hour); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"collect": q.Collect(ctx, job.EndedRun{Ref: ref, Generation: 1}), "recover": q.Recover(ctx), "wake lane": q.WakeLane(ctx), "wipe": q.Wipe(ctx),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", name, err)
		}
	}
}
