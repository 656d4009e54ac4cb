package batch_test

import (
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/batch"
	"nightshift/internal/job"
	"nightshift/internal/longtest"
)

var histories = flag.Int("histories", 0, "how many random histories are folded; by default 2000, or 300 in a short run")

// folded is what a fold says.
type folded struct {
	spent                  map[job.Slice]job.CU
	held, billed, refunded job.CU
	inFlight               map[job.ID]pending
	tried                  map[job.ID]int
}

func read(t *testing.T, m *memory, h *history) (*batch.Fold, folded) {
	t.Helper()
	f, err := batch.ReadFold(t.Context(), m, historyBatch)
	if err != nil {
		t.Fatal(err)
	}
	got := folded{spent: map[job.Slice]job.CU{}, inFlight: map[job.ID]pending{}, tried: map[job.ID]int{}}
	got.held, got.billed, got.refunded = f.Total()
	for _, s := range f.Slices() {
		spent := s.CU
		s.CU = 0
		got.spent[s] = spent
	}
	for _, in := range f.InFlight() {
		got.inFlight[in.Job] = pending{
			attempt: in.Attempt, key: job.Slice{APIKey: in.APIKey, Project: in.Project, Team: in.Team}, quote: in.Quoted, intent: in.Intent,
			run: in.Inference, made: in.Made,
		}
	}
	for _, a := range h.actors {
		got.tried[a.id] = f.Tried(a.id)
	}
	return f, got
}

// TestFoldOfRandomHistories holds the fold against what is true, at several moments of
// each history, whatever the order in which the lines stand; with a checkpoint that was
// written at an earlier moment, and without.
func TestFoldOfRandomHistories(t *testing.T) {
	t.Parallel()
	moments, kills, lost, covered := 0, 0, 0, 0
	if *histories == 0 {
		*histories = longtest.Times(300, 2000)
	}
	for seed := range uint64(*histories) {
		h := newHistory(seed)
		kept := map[disorder]*memory{asWritten: newMemory(), byClocks: newMemory(), twice: newMemory()} // with their checkpoints
		for range 1 + h.r.IntN(4) {
			for range h.r.IntN(30) {
				h.step()
			}
			moments++
			truth := h.truth()
			want := folded{truth.spent, truth.held, truth.billed, truth.refunded, truth.inFlight, map[job.ID]int{}}
			for _, a := range h.actors {
				want.tried[a.id] = truth.tried[a.id]
			}
			random := rand.New(rand.NewPCG(seed, 2))
			for _, how := range []disorder{asWritten, byClocks, twice} {
				m := kept[how]
				putLines(t, m, "_nightshift/attempts.jsonl", stand(random, h.attempts, how))
				putLines(t, m, "results.jsonl", stand(random, h.succeeded, how))
				putLines(t, m, "errors.jsonl", stand(random, h.failed, how))
				f, got := read(t, m, h)
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(folded{}, pending{})); diff != "" {
					t.Fatalf("seed %d, disorder %d (-truth +fold):\n%s", seed, how, diff)
				}
				if len(got.inFlight) == 0 && how == asWritten {
					covered++
				}
				if err := f.WriteCheckpoint(t.Context(), m); err != nil {
					t.Fatal(err)
				}
			}
			if h.chance(35) {
				lost++
				h.lose(truth.inFlight)
			}
		}
		kills += h.kills
	}
	t.Logf("%d histories, %d moments, %d kills, Redis lost %d times, %d checkpoints", *histories, moments, kills, lost, covered)
}
