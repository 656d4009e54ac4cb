package queue

import (
	"errors"
	"fmt"
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
	added, err := store.Add(t.Context(), ref, potion(ref.ID, 3), job.Normal)
	if err != nil || !added {
		t.Fatalf("add: %v, %v", added, err)
	}
	return store
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
		if _, err := store.Add(t.Context(), other, potion(other.ID, 4), job.Normal); err != nil {
			t.Fatal(err)
		}
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
func TestAForgottenInferenceIsNeverAdoptedAgain(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		store := setup(t, client)
		other := job.Ref{Batch: "potions", ID: "bbbb"}
		if _, err := store.Add(t.Context(), other, potion(other.ID, 4), job.Normal); err != nil {
			t.Fatal(err)
		}
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
		if added, err := store.Add(t.Context(), ref, potion(ref.ID, 3), job.Normal); added || err != nil {
			t.Fatalf("add a job that is there: %v, %v", added, err)
		}
		rec := claim(t, store)
		for range 2 { // a repeat changes nothing
			if err := store.Finish(t.Context(), rec, job.Succeeded, 4); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := store.Add(t.Context(), ref, potion(ref.ID, 3), job.Normal); !errors.Is(err, job.ErrRecordGone) {
			t.Errorf("add a finished job: %v, want ErrRecordGone", err)
		}
		if _, _, err := store.Claim(t.Context(), ref, job.Queued); !errors.Is(err, job.ErrRecordGone) {
			t.Errorf("claim a finished job: %v, want ErrRecordGone", err)
		}
		counts, err := store.Counts(t.Context(), ref.Batch)
		if err != nil {
			t.Fatal(err)
		}
		if counts.Live() != 0 || counts.Jobs[job.Succeeded] != 1 || counts.Images != 4 {
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
			if _, err := store.Add(t.Context(), r, potion(r.ID, i), job.Normal); err != nil {
				t.Fatal(err)
			}
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
