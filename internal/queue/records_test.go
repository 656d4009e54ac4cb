package queue

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

func potion(id job.ID, index int) *job.Job {
	return &job.Job{
		ID: id, Index: index, Row: "health", Model: "model_x", PromptInput: "prompt",
		Inputs:  job.NormalInputs(map[string]any{"prompt": "a potion", "seed": 7}),
		Outputs: []string{"health.{ext}"}, Quote: 10750,
	}
}

func setup(t *testing.T, client redis.UniversalClient) *Queue {
	t.Helper()
	store := poolQueue(t, client, "pool")
	if state := add(t, store, ref, 3); state != job.Queued {
		t.Fatalf("an added job is %q", state)
	}
	return store
}

// add adds the record of a job, and returns the state that it is in.
func add(t *testing.T, store *Queue, r job.Ref, index int) job.State {
	t.Helper()
	states, err := store.Add(t.Context(), r.Batch, job.Normal, potion(r.ID, index))
	if err != nil || len(states) != 1 {
		t.Fatalf("add: %v, %v", states, err)
	}
	return states[0]
}

func claim(t *testing.T, store *Queue) *job.Record {
	t.Helper()
	rec, claimed, err := store.Claim(t.Context(), ref, liveStates...)
	if err != nil || !claimed {
		t.Fatalf("claim: %v, %v", claimed, err)
	}
	return rec
}

func change(t *testing.T, store *Queue, rec *job.Record, c job.Change) {
	t.Helper()
	if err := store.Change(t.Context(), rec, c); err != nil {
		t.Fatalf("change to %s: %v", c.To, err)
	}
}

func from(states ...job.State) []job.State { return states }

func TestOnlyTheLatestHolderChangesARecord(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		store := setup(t, client)
		first := claim(t, store)
		second := claim(t, store)
		send := job.Change{From: from(job.Queued), To: job.Sending}
		if err := store.Change(t.Context(), first, send); !errors.Is(err, job.ErrFenced) {
			t.Fatalf("first holder: %v, want ErrFenced", err)
		}
		change(t, store, second, send)
		if err := store.Change(t.Context(), second, send); !errors.Is(err, job.ErrState) {
			t.Fatalf("from another state: %v, want ErrState", err)
		}
		if err := store.Observe(t.Context(), ref, job.Change{From: from(job.Sending), To: job.Unknown}); err != nil {
			t.Fatalf("observation: %v", err)
		}
		if err := store.Change(t.Context(), second, job.Change{From: from(job.Unknown), To: job.Running}); !errors.Is(err, job.ErrFenced) {
			t.Fatalf("after an observation: %v, want ErrFenced", err)
		}
	})
}

func TestAnInferenceBelongsToOneJob(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		store := setup(t, client)
		other := job.Ref{Batch: "potions", ID: "bbbb"}
		add(t, store, other, 4)
		made := time.UnixMilli(1_700_000_000_000)
		run := job.Change{From: from(job.Queued), To: job.Running, Inference: "job_1", Started: made}
		if err := store.Observe(t.Context(), ref, run); err != nil {
			t.Fatal(err)
		}
		if err := store.Observe(t.Context(), other, run); !errors.Is(err, job.ErrOwned) {
			t.Fatalf("second owner: %v, want ErrOwned", err)
		}
		// However old it is, while its job is not over.
		if err := store.Disown(t.Context(), made.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if err := store.Observe(t.Context(), other, run); !errors.Is(err, job.ErrOwned) {
			t.Fatalf("second owner of an old run: %v, want ErrOwned", err)
		}
		if err := store.Own(t.Context(), run.Inference, made); err != nil {
			t.Fatal(err)
		}
		if err := store.Finish(t.Context(), claim(t, store), job.Succeeded, 1); err != nil {
			t.Fatal(err)
		}
		if err := store.Observe(t.Context(), other, run); !errors.Is(err, job.ErrOwned) {
			t.Fatalf("second owner after the first is over: %v, want ErrOwned", err)
		}
		ids := []string{"job_1", "job_2"}
		ours, err := store.Ours(t.Context(), ids)
		if err != nil {
			t.Fatal(err)
		}
		if !ours["job_1"] || ours["job_2"] {
			t.Errorf("ours %v: a finished job's inference must stay ours", ours)
		}
		if err := store.Disown(t.Context(), made.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if ours, err = store.Ours(t.Context(), ids); err != nil || ours["job_1"] {
			t.Errorf("after disowning: %v, %v", ours, err)
		}
	})
}

// TestAForgottenInferenceIsNeverAdoptedAgain has a run that failed and was bought
// again: neither its own job nor another may take it for the new one.
// TestADisownedInferenceIsFreeAgain lets another job have a run that a receipt has named
// wrongly.
func TestADisownedInferenceIsFreeAgain(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		store := setup(t, client)
		other := job.Ref{Batch: ref.Batch, ID: "other"}
		add(t, store, other, 4)
		run := job.Change{From: from(job.Queued), To: job.Running, Inference: "job_1", Started: time.Now()}
		for _, each := range []struct {
			ref  job.Ref
			c    job.Change
			want error
		}{
			{ref, run, nil},
			{other, run, job.ErrOwned},
			{ref, job.Change{From: from(job.Running), To: job.Unknown, Disown: true}, nil},
			{other, run, nil},
		} {
			if err := store.Observe(t.Context(), each.ref, each.c); !errors.Is(err, each.want) {
				t.Fatalf("change of job %s to %s: %v, want %v", each.ref, each.c.To, err, each.want)
			}
		}
		if rec, err := store.Get(t.Context(), ref); err != nil || rec.Inference != "" {
			t.Errorf("the job has inference %q, error %v; want none", rec.Inference, err)
		}
	})
}

func TestAForgottenInferenceIsNeverAdoptedAgain(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		store := setup(t, client)
		other := job.Ref{Batch: "potions", ID: "bbbb"}
		add(t, store, other, 4)
		rec := claim(t, store)
		first := job.Change{From: from(job.Queued), To: job.Storing, Inference: "job_1", Started: time.Now()}
		change(t, store, rec, first)
		change(t, store, rec, job.Change{From: from(job.Storing), To: job.Storing, Inference: "job_1", Started: first.Started}) // its own
		change(t, store, rec, job.Change{From: from(job.Storing), To: job.Queued, Forget: true})
		ours, err := store.Ours(t.Context(), []string{"job_1"})
		if err != nil || !ours["job_1"] {
			t.Errorf("ours %v, err %v: the failed run must stay ours", ours, err)
		}
		for _, r := range []job.Ref{ref, other} {
			if err := store.Observe(t.Context(), r, first); !errors.Is(err, job.ErrOwned) {
				t.Errorf("job %s takes the forgotten run: %v, want ErrOwned", r, err)
			}
		}
		if rec := claim(t, store); rec.State != job.Queued || rec.Inference != "" {
			t.Errorf("a refused change was made: %+v", rec)
		}
		change(t, store, claim(t, store), job.Change{From: from(job.Queued), To: job.Running, Inference: "job_2", Started: time.Now()})
	})
}

func TestAFinishedJobIsNeverAddedAgain(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		store := setup(t, client)
		rec := claim(t, store)
		if state := add(t, store, ref, 3); state != job.Queued {
			t.Fatalf("add a job that is there: it is %q", state)
		}
		for range 2 { // a repeat changes nothing
			if err := store.Finish(t.Context(), rec, job.Succeeded, 4); err != nil {
				t.Fatal(err)
			}
		}
		if state := add(t, store, ref, 3); state != "" {
			t.Errorf("add a finished job: it is %q", state)
		}
		if _, _, err := store.Claim(t.Context(), ref, job.Queued); !errors.Is(err, job.ErrRecordGone) {
			t.Errorf("claim a finished job: %v, want ErrRecordGone", err)
		}
		counts, err := store.Counts(t.Context(), ref.Batch)
		if err != nil {
			t.Fatal(err)
		}
		if counts.Live() != 0 || counts.Jobs[job.Succeeded] != 1 || counts.Images != 4 || counts.Quoted != 0 {
			t.Errorf("counts %+v", counts)
		}
	})
}

// TestIndexFollowsState moves many jobs and compares the index sets and counts
// with the records, which is what the watcher and the feed rely on.
func TestIndexFollowsState(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		store := poolQueue(t, client, "pool")
		path := []job.State{job.Queued, job.Sending, job.Unknown, job.Running, job.Storing}
		want := make(map[job.State][]job.Ref)
		for i := range 24 {
			r := job.Ref{Batch: "potions", ID: job.ID(fmt.Sprintf("id%02d", i))}
			add(t, store, r, i)
			for step := range i % len(path) {
				if err := store.Observe(t.Context(), r, job.Change{From: path[step : step+1], To: path[step+1]}); err != nil {
					t.Fatal(err)
				}
			}
			want[path[i%len(path)]] = append(want[path[i%len(path)]], r)
		}
		counts, err := store.Counts(t.Context(), "potions")
		if err != nil {
			t.Fatal(err)
		}
		if each := potion("", 0).Quote; counts.Quoted != each*job.CU(len(want[job.Queued])) {
			t.Errorf("%s CU are queued, want %d times %s", counts.Quoted, len(want[job.Queued]), each)
		}
		for _, state := range path {
			got, err := store.In(t.Context(), state, 0)
			if err != nil {
				t.Fatal(err)
			}
			records, err := store.Records(t.Context(), got)
			if err != nil {
				t.Fatal(err)
			}
			found := make(map[job.Ref]bool)
			for _, rec := range records {
				found[rec.Ref] = rec.State == state
			}
			for _, r := range want[state] {
				if !found[r] {
					t.Errorf("%s is not listed as %s", r, state)
				}
			}
			if len(got) != len(want[state]) || counts.Jobs[state] != len(want[state]) {
				t.Errorf("%s: %d listed, %d counted, want %d", state, len(got), counts.Jobs[state], len(want[state]))
			}
		}
	})
}

// TestWhatIsQueuedIsCountedInCU has a job that comes back to the queue, and ends there.
func TestWhatIsQueuedIsCountedInCU(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		store := setup(t, client)
		each := potion("", 0).Quote
		quoted := func(step string, want job.CU) {
			t.Helper()
			if counts, err := store.Counts(t.Context(), ref.Batch); err != nil || counts.Quoted != want {
				t.Errorf("%s: %s CU are queued, want %s (%v)", step, counts.Quoted, want, err)
			}
		}
		quoted("added", each)
		add(t, store, ref, 3)
		quoted("added again", each)
		rec := claim(t, store)
		change(t, store, rec, job.Change{From: from(job.Queued), To: job.Queued, Attempt: 2})
		quoted("left where it is", each)
		if err := store.Send(t.Context(), rec, time.Now(), "night", time.Hour); err != nil {
			t.Fatal(err)
		}
		quoted("sent", 0)
		change(t, store, rec, job.Change{From: from(job.Sending), To: job.Unknown})
		change(t, store, rec, job.Change{From: from(job.Unknown), To: job.Queued, Forget: true})
		quoted("queued again", each)
		if err := store.Finish(t.Context(), rec, job.Cancelled, 0); err != nil {
			t.Fatal(err)
		}
		quoted("cancelled", 0)
	})
}

// TestSendMarksAndParks has a job marked by who holds it, and by who does not any more.
func TestSendMarksAndParks(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		store := setup(t, client)
		stale, rec := claim(t, store), claim(t, store)
		if err := store.Send(t.Context(), stale, time.Now(), "night", time.Hour); !errors.Is(err, job.ErrFenced) {
			t.Fatalf("who lost the job: %v, want ErrFenced", err)
		}
		if collecting(t, store, 1) {
			t.Fatal("a job that is not sent has a collect task")
		}
		intent := time.UnixMilli(time.Now().UnixMilli())
		if err := store.Send(t.Context(), rec, intent, "night", time.Hour); err != nil {
			t.Fatal(err)
		}
		got := get(t, store)
		if got.State != job.Sending || got.Fence != rec.Fence || !got.Intent.Equal(intent) || got.APIKey != "night" || got.Owner != "one" {
			t.Errorf("the record is %+v", got)
		}
		counts, err := store.Counts(t.Context(), ref.Batch)
		if refs, _ := store.In(t.Context(), job.Sending, 0); err != nil || len(refs) != 1 || counts.Jobs[job.Sending] != 1 || counts.Jobs[job.Queued] != 0 || counts.Quoted != 0 {
			t.Errorf("counts %v, listed %v, %v", counts, refs, err)
		}
		if !collecting(t, store, 1) {
			t.Error("a job that may have been sent has no collect task")
		}
		if err := store.Send(t.Context(), rec, intent, "night", time.Hour); !errors.Is(err, job.ErrState) {
			t.Errorf("a job that was sent: %v, want ErrState", err)
		}
		if err := store.Wipe(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := store.Send(t.Context(), rec, intent, "night", time.Hour); !errors.Is(err, job.ErrRecordGone) {
			t.Errorf("a job that is gone: %v, want ErrRecordGone", err)
		}
	})
}

// TestManyAreAddedAtOnce adds more jobs than one script takes, for the order that is
// worked on and for another one.
func TestManyAreAddedAtOnce(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		store := poolQueue(t, client, "pool")
		if err := store.Begin(t.Context(), ref.Batch, "first"); err != nil {
			t.Fatal(err)
		}
		for order, want := range map[string]job.State{"second": "", "first": job.Queued} {
			var jobs []*job.Job
			for i := range 2*atOnce + 50 {
				jobs = append(jobs, potion(job.ID(fmt.Sprintf("id%03d", i)), i))
				jobs[i].Order = order
			}
			states, err := store.Add(t.Context(), ref.Batch, job.Normal, jobs...)
			if err != nil || len(states) != len(jobs) || slices.ContainsFunc(states, func(s job.State) bool { return s != want }) {
				t.Errorf("jobs of the %s order are %v, %v", order, states, err)
			}
		}
		counts, err := store.Counts(t.Context(), ref.Batch)
		if refs, _ := store.In(t.Context(), job.Queued, 0); err != nil || len(refs) != 2*atOnce+50 || counts.Jobs[job.Queued] != len(refs) {
			t.Errorf("counts %v, %d listed, %v", counts, len(refs), err)
		}
	})
}

func TestRunningJobsSwapTheirInferences(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		store := setup(t, client)
		other := job.Ref{Batch: "potions", ID: "bbbb"}
		add(t, store, other, 4)
		made := time.UnixMilli(1_700_000_000_000)
		for i, r := range []job.Ref{ref, other} {
			run := job.Change{From: from(job.Queued), To: job.Running, Inference: fmt.Sprintf("job_%d", i), Started: made.Add(time.Duration(i) * time.Second)}
			if err := store.Observe(t.Context(), r, run); err != nil {
				t.Fatal(err)
			}
		}
		get := func(r job.Ref) *job.Record {
			t.Helper()
			rec, err := store.Get(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			return rec
		}
		a, b := get(ref), get(other)
		if err := store.Swap(t.Context(), a, b); err != nil {
			t.Fatal(err)
		}
		for _, rec := range []*job.Record{a, b} {
			if now := get(rec.Ref); now.Inference != rec.Inference || !now.Started.Equal(rec.Started) || now.Fence != rec.Fence {
				t.Errorf("it holds %+v, and the record says %+v", now, rec)
			}
		}
		if a.Inference != "job_1" || b.Inference != "job_0" || !a.Started.Equal(made.Add(time.Second)) {
			t.Errorf("swapped to %s and %s", a.Inference, b.Inference)
		}
		stale := *a
		stale.Inference = "job_0"
		if err := store.Swap(t.Context(), &stale, b); !errors.Is(err, job.ErrState) {
			t.Errorf("swapped by one who knows another inference: %v", err)
		}
		if err := store.Finish(t.Context(), b, job.Succeeded, 1); err != nil {
			t.Fatal(err)
		}
		if err := store.Swap(t.Context(), a, b); !errors.Is(err, job.ErrRecordGone) {
			t.Errorf("swapped with a job that is over: %v", err)
		}
	})
}
