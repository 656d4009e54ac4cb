package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

var ref = job.Ref{Batch: "potions", ID: "aaaa"}

func newQueue(t *testing.T, client redis.UniversalClient) *Queue { return poolQueue(t, client, "pool") }

func poolQueue(t *testing.T, client redis.UniversalClient, pool string) *Queue {
	return New(Options{
		Redis: client, Prefix: "test", Pool: pool, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Process: &process{name: "one"},
	})
}

// process is one that works on the jobs, and the names of those that are dead.
type process struct {
	name string
	dead []string
}

func (p *process) Owner() string { return p.name }

func (p *process) Dead(_ context.Context, owners []string) (dead []string, err error) {
	for _, owner := range owners {
		if slices.Contains(p.dead, owner) {
			dead = append(dead, owner)
		}
	}
	return dead, nil
}

// idle is a handler that must not be called.
func idle(t *testing.T) Handler {
	return func(context.Context, job.Ref) error {
		t.Error("a handler ran that has no task")
		return nil
	}
}

func start(t *testing.T, q *Queue, submit, collect Handler, drain time.Duration) *Servers {
	t.Helper()
	servers, err := q.Start(Work{
		Submit: submit, Collect: collect, SubmitSlots: 2, CollectSlots: 2, Drain: drain, Poll: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return servers
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	wait := &job.PostponedError{After: 40 * time.Second, Reason: job.WaitCooldown}
	tests := []struct {
		name     string
		err      error
		failure  bool
		min, max time.Duration
	}{
		{"postponed", fmt.Errorf("submit: %w", wait), false, 41 * time.Second, 46 * time.Second},
		{"interrupted", fmt.Errorf("store: %w", job.ErrInterrupted), false, time.Second, time.Second},
		{"worker died", asynq.ErrLeaseExpired, false, 30 * time.Second, 40 * time.Second},
		{"postponed for long", &job.PostponedError{After: 12 * time.Hour, Reason: job.WaitWindow}, false, 12*time.Hour + time.Second, 12*time.Hour + 32*time.Second},
		{"transient", errors.New("connection reset"), true, 2 * time.Second, 4 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for range 200 { // the delays are drawn
				got := judge(test.err, 2)
				if got.archive || got.failure != test.failure || got.after < test.min || got.after > test.max {
					t.Fatalf("got %+v, want failure %v after %s to %s", got, test.failure, test.min, test.max)
				}
			}
		})
	}
}

// running makes the record of a job whose run goes on.
func running(t *testing.T, q *Queue) {
	t.Helper()
	add(t, q, ref, 3)
	if err := q.Observe(t.Context(), ref, job.Change{From: from(job.Queued), To: job.Running, Inference: "job_1", Started: time.Now()}); err != nil {
		t.Fatal(err)
	}
}

// collect lets the collect task of the job run, for the reason that its run has ended.
func collect(t *testing.T, q *Queue) {
	t.Helper()
	if err := q.Collect(t.Context(), job.EndedRun{Ref: ref, Generation: 1, Outcome: &job.Outcome{Status: job.RunSucceeded}}); err != nil {
		t.Fatal(err)
	}
}

// TestACollectTaskRunsWhenTheRunHasEnded has it parked, lost, and of a run that goes on.
func TestACollectTaskRunsWhenTheRunHasEnded(t *testing.T) {
	t.Parallel()
	for name, parked := range map[string]bool{"parked": true, "lost": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
				q := newQueue(t, client)
				running(t, q)
				for range 2 { // parking twice is parking once
					if !parked {
						break
					}
					if err := q.Park(t.Context(), ref, 1, time.Hour); err != nil {
						t.Fatal(err)
					}
				}
				if err := q.Collect(t.Context(), job.EndedRun{Ref: ref, Generation: 1}); err != nil {
					t.Fatal(err)
				}
				if rec := get(t, q); rec.State != job.Running || client.LLen(t.Context(), pendingKey(q.collectName())).Val() != 0 {
					t.Fatalf("a job whose run goes on is %s and its task runs", rec.State)
				}
				fence := get(t, q).Fence
				collect(t, q)
				rec := get(t, q)
				if rec.State != job.Storing || rec.Outcome == nil || rec.Outcome.Status != job.RunSucceeded || rec.Fence <= fence {
					t.Fatalf("the end is not noted: %+v", rec)
				}
				counts, err := q.Counts(t.Context(), ref.Batch)
				if refs, _ := q.In(t.Context(), job.Storing, 0); err != nil || len(refs) != 1 || counts.Jobs[job.Storing] != 1 || counts.Jobs[job.Running] != 0 {
					t.Errorf("counts %v, listed %v, %v", counts, refs, err)
				}
				collected := make(chan job.Ref, 1)
				servers := start(t, q, idle(t), func(_ context.Context, ref job.Ref) error { collected <- ref; return nil }, time.Second)
				defer servers.Stop()
				select {
				case got := <-collected:
					if got != ref {
						t.Errorf("collected %s, want %s", got, ref)
					}
				case <-time.After(10 * time.Second):
					t.Fatal("the task did not run")
				}
			})
		})
	}
}

// TestWakingARunningTaskIsNotLost wakes a task while its handler runs and decides
// to park again: the next wake must find it.
func TestWakingARunningTaskIsNotLost(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		q := newQueue(t, client)
		running(t, q)
		begun, goOn, again := make(chan bool), make(chan bool), make(chan bool, 1)
		var runs atomic.Int32
		servers := start(t, q, idle(t), func(context.Context, job.Ref) error {
			if runs.Add(1) > 1 {
				again <- true
				return nil
			}
			begun <- true
			<-goOn
			return &job.PostponedError{After: time.Hour, Reason: job.WaitStorage}
		}, time.Second)
		defer servers.Stop()
		if err := q.Park(t.Context(), ref, 1, time.Hour); err != nil {
			t.Fatal(err)
		}
		collect(t, q)
		<-begun
		collect(t, q) // the handler will not see it
		goOn <- true
		deadline := time.After(10 * time.Second)
		for {
			select {
			case <-again:
				return
			case <-deadline:
				t.Fatal("the task did not run again")
			case <-time.After(20 * time.Millisecond):
				collect(t, q)
			}
		}
	})
}

// TestStopDrainsThenInterrupts has one handler that ends within the drain time
// and one that does not.
func TestStopDrainsThenInterrupts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := redistest.Emulator(t)
		q := newQueue(t, client)
		begun := make(chan bool, 2)
		causes := make(chan error, 1)
		short := func(ctx context.Context, _ job.Ref) error {
			begun <- true
			time.Sleep(5 * time.Second) // virtual
			if ctx.Err() != nil {
				t.Errorf("cancelled within the drain time: %v", context.Cause(ctx))
			}
			return nil
		}
		long := func(ctx context.Context, _ job.Ref) error {
			begun <- true
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return context.Cause(ctx)
		}
		servers := start(t, q, short, long, 8*time.Second)
		if err := q.Enqueue(t.Context(), job.Normal, 1, ref); err != nil {
			t.Fatal(err)
		}
		if err := q.Park(t.Context(), ref, 1, 0); err != nil {
			t.Fatal(err)
		}
		<-begun
		<-begun
		stopped := time.Now()
		servers.Stop()
		if took := time.Since(stopped); took < 3*time.Second || took > 9*time.Second {
			t.Errorf("stopping took %s, want the drain time of 8s at most", took)
		}
		if cause := <-causes; !errors.Is(cause, job.ErrInterrupted) {
			t.Errorf("cause %v, want ErrInterrupted", cause)
		}
		if !collecting(t, q, 1) {
			t.Error("the interrupted task is gone")
		}
		if submitting(t, q, 1) {
			t.Error("the finished task is left")
		}
	})
}
