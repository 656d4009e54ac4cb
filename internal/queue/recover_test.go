package queue

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

// ofPool returns the queue of another process that works on the same pool.
func ofPool(q *Queue, name string) *Queue {
	return New(Options{Redis: q.redis, Prefix: "test", Pool: "pool", Logger: q.logger, Process: &process{name: name}})
}

// take leaves a task running as a process does that is killed then.
func take(t *testing.T, q *Queue, queue, id string) {
	t.Helper()
	_, err := q.redis.TxPipelined(t.Context(), func(p redis.Pipeliner) error {
		for _, set := range []string{pendingKey(queue), retryKey(queue), scheduledKey(queue)} {
			if set == pendingKey(queue) {
				p.LRem(t.Context(), set, 0, id)
				continue
			}
			p.ZRem(t.Context(), set, id)
		}
		p.LPush(t.Context(), activeKey(queue), id)
		p.HSet(t.Context(), taskPrefix(queue)+id, "state", "active")
		p.ZAdd(t.Context(), leaseKey(queue), redis.Z{Score: float64(time.Now().Add(30 * time.Second).Unix()), Member: id})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// left fails the test if anything of a task is left in Redis.
func left(t *testing.T, q *Queue, queue, id string) {
	t.Helper()
	active := q.redis.LRange(t.Context(), activeKey(queue), 0, -1).Val()
	leases := q.redis.ZRange(t.Context(), leaseKey(queue), 0, -1).Val()
	hash := q.redis.Exists(t.Context(), taskPrefix(queue)+id).Val()
	if slices.Contains(active, id) || slices.Contains(leases, id) || hash != 0 {
		t.Errorf("of task %s is left: active %v, leases %v, hash %d", id, active, leases, hash)
	}
}

func get(t *testing.T, q *Queue) *job.Record {
	t.Helper()
	rec, err := q.Get(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func recovered(t *testing.T, q *Queue) {
	t.Helper()
	if err := q.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestTheJobsOfADeadProcessGoOn kills a process in each state of a job that it can have
// claimed. Before that, nobody touches them.
func TestTheJobsOfADeadProcessGoOn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		was, then job.State
		queue     func(q *Queue) string
		kind      string
	}{
		{job.Queued, job.Queued, func(q *Queue) string { return q.laneName(job.Normal) }, submitTask},
		{job.Sending, job.Unknown, func(q *Queue) string { return q.laneName(job.Normal) }, submitTask},
		{job.Storing, job.Storing, (*Queue).collectName, collectTask},
	}
	for _, test := range tests {
		t.Run(string(test.was), func(t *testing.T) {
			t.Parallel()
			redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
				q := setup(t, client)
				dead, queue, id := ofPool(q, "dead"), test.queue(q), taskID(test.kind, ref, 1)
				if test.was == job.Storing {
					if err := q.Observe(t.Context(), ref, job.Change{From: from(job.Queued), To: job.Storing}); err != nil {
						t.Fatal(err)
					}
				}
				if err := q.put(t.Context(), queue, test.kind, 1, now, ref); err != nil {
					t.Fatal(err)
				}
				take(t, q, queue, id)
				rec, claimed, err := dead.Claim(t.Context(), ref, job.Queued, job.Storing)
				if err != nil || !claimed {
					t.Fatalf("claim: %v, %v", claimed, err)
				}
				if test.was == job.Sending {
					if err := dead.Send(t.Context(), rec, time.Now(), "night", time.Hour); err != nil {
						t.Fatal(err)
					}
				}
				recovered(t, q)
				if now := get(t, q); now.Fence != rec.Fence || now.Owner != "dead" {
					t.Fatalf("the job of a living process was touched: %+v", now)
				}

				q.process.(*process).dead = []string{"dead"}
				recovered(t, q)
				left(t, q, queue, id)
				after := get(t, q)
				if after.State != test.then || after.Owner != "" {
					t.Errorf("the job is %s of %q, want %s", after.State, after.Owner, test.then)
				}
				next := taskID(test.kind, ref, 2)
				if test.then != job.Unknown && !slices.Equal(client.LRange(t.Context(), pendingKey(queue), 0, -1).Val(), []string{next}) {
					t.Errorf("task %s does not wait", next)
				}
				if err := dead.Change(t.Context(), rec, job.Change{From: liveStates, To: job.Running}); err == nil {
					t.Error("who was declared dead still changes the job")
				}
				fence := after.Fence
				recovered(t, q)
				if get(t, q).Fence != fence || len(client.SMembers(t.Context(), q.ownersKey()).Val()) != 0 {
					t.Error("the job was recovered twice")
				}
			})
		})
	}
}

// TestAWaitingTaskIsKept has a process that died after its handler had given the job
// back: its task waits for its time, and goes on waiting.
func TestAWaitingTaskIsKept(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		q := setup(t, client)
		if err := q.Enqueue(t.Context(), job.Normal, 1, ref); err != nil {
			t.Fatal(err)
		}
		if _, claimed, err := ofPool(q, "dead").Claim(t.Context(), ref, job.Queued); err != nil || !claimed {
			t.Fatalf("claim: %v, %v", claimed, err)
		}
		q.process.(*process).dead = []string{"dead"}
		recovered(t, q)
		if rec := get(t, q); rec.Generation != 1 || rec.Owner != "" || !submitting(t, q, 1) {
			t.Errorf("generation %d of %q", rec.Generation, rec.Owner)
		}
	})
}

// TestATaskThatNobodyClaimsIsRecovered kills a process between taking a task and
// claiming its job, with another task whose process lives.
func TestATaskThatNobodyClaimsIsRecovered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := redistest.Emulator(t)
		q := setup(t, client)
		lane := q.laneName(job.Normal)
		living := job.Ref{Batch: ref.Batch, ID: "bbbb"}
		add(t, q, living, 4)
		for _, r := range []job.Ref{ref, living} {
			if err := q.Enqueue(t.Context(), job.Normal, 1, r); err != nil {
				t.Fatal(err)
			}
			take(t, q, lane, taskID(submitTask, r, 1))
		}
		for second := range 20 {
			if second%5 == 0 { // as asynq does
				lease := redis.Z{Score: float64(time.Now().Add(30 * time.Second).Unix()), Member: taskID(submitTask, living, 1)}
				if err := client.ZAdd(t.Context(), leaseKey(lane), lease).Err(); err != nil {
					t.Fatal(err)
				}
			}
			recovered(t, q)
			time.Sleep(time.Second) // virtual
		}
		left(t, q, lane, taskID(submitTask, ref, 1))
		if want := []string{taskID(submitTask, ref, 2)}; !slices.Equal(client.LRange(t.Context(), pendingKey(lane), 0, -1).Val(), want) {
			t.Errorf("want task %v to wait", want)
		}
		if active := client.LRange(t.Context(), activeKey(lane), 0, -1).Val(); len(active) != 1 {
			t.Errorf("running are %v", active)
		}
	})
}

// TestWhatIsSentIsNotClaimed has two processes with a task of one job.
func TestWhatIsSentIsNotClaimed(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		q := setup(t, client)
		rec := claim(t, q)
		change(t, q, rec, job.Change{From: from(job.Queued), To: job.Sending})
		if _, claimed, err := ofPool(q, "other").Claim(t.Context(), ref, job.Queued, job.Sending); claimed || err != nil {
			t.Fatalf("another process claims what is sent: %v, %v", claimed, err)
		}
		change(t, q, rec, job.Change{From: from(job.Sending), To: job.Sending})
		if _, claimed, err := q.Claim(t.Context(), ref, job.Queued, job.Sending); !claimed || err != nil {
			t.Fatalf("who sends cannot claim it: %v, %v", claimed, err)
		}
		if _, claimed, err := q.Claim(t.Context(), ref, job.Queued); claimed || err != nil {
			t.Fatalf("claimed in a state that was not asked for: %v, %v", claimed, err)
		}
	})
}

// TestHundredsAreRecoveredAtOnce kills a process that has claimed 300 jobs.
func TestHundredsAreRecoveredAtOnce(t *testing.T) {
	t.Parallel()
	q := poolQueue(t, redistest.Start(t).Client(t), "pool")
	dead, lane := ofPool(q, "dead"), q.laneName(job.Normal)
	for i := range 300 {
		r := job.Ref{Batch: "potions", ID: job.ID(fmt.Sprintf("id%03d", i))}
		add(t, q, r, i)
		if err := q.Enqueue(t.Context(), job.Normal, 1, r); err != nil {
			t.Fatal(err)
		}
		take(t, q, lane, taskID(submitTask, r, 1))
		if _, claimed, err := dead.Claim(t.Context(), r, job.Queued); err != nil || !claimed {
			t.Fatalf("claim: %v, %v", claimed, err)
		}
	}
	q.process.(*process).dead = []string{"dead"}
	started := time.Now()
	recovered(t, q)
	if took := time.Since(started); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
	if waiting := q.redis.LLen(t.Context(), pendingKey(lane)).Val(); waiting != 300 {
		t.Errorf("%d tasks wait", waiting)
	}
}

// TestAsynqReadsOurTasks holds what is written here against what asynq itself writes.
func TestAsynqReadsOurTasks(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		q := newQueue(t, client)
		inspector, enqueuer := asynq.NewInspectorFromRedisClient(client), asynq.NewClientFromRedisClient(client)
		for kind, name := range map[string]string{submitTask: q.laneName(job.Normal), collectTask: q.collectName()} {
			for when, after := range map[int]time.Duration{now: 0, first: 0, 300: 5 * time.Minute} {
				id := taskID(kind, ref, when+2)
				if err := q.put(t.Context(), name, kind, when+2, when, ref); err != nil {
					t.Fatal(err)
				}
				ours, err := inspector.GetTaskInfo(name, id)
				if err != nil {
					t.Fatal(err)
				}
				if err := client.Del(t.Context(), taskPrefix(name)+id).Err(); err != nil {
					t.Fatal(err)
				}
				theirs, err := enqueuer.EnqueueContext(context.WithoutCancel(t.Context()), asynq.NewTask(kind, []byte(ref.String())),
					asynq.Queue(name), asynq.TaskID(id), asynq.MaxRetry(1<<30), asynq.Timeout(24*time.Hour), asynq.ProcessIn(after))
				if err != nil {
					t.Fatal(err)
				}
				if apart := theirs.NextProcessAt.Sub(ours.NextProcessAt).Abs(); apart > 2*time.Second {
					t.Errorf("%s runs %s apart", id, apart)
				}
				ours.NextProcessAt, theirs.NextProcessAt = time.Time{}, time.Time{}
				if fmt.Sprintf("%+v", ours) != fmt.Sprintf("%+v", theirs) {
					t.Errorf("ours is   %+v\ntheirs is %+v", ours, theirs)
				}
			}
		}
	})
}
