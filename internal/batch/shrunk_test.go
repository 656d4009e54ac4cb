package batch_test

import (
	"errors"
	"strings"
	"testing"

	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/job"
)

// Logs that know less than their checkpoint were cut: what is missing may be in flight.
func TestLogsThatLostLinesAreNotBelieved(t *testing.T) {
	t.Parallel()
	m := newMemory()
	putLines(t, m, "_nightshift/attempts.jsonl", []job.AttemptLine{sampleIntent("aaaa", 1), sampleIntent("bbbb", 1)})
	putLines(t, m, "results.jsonl", []job.Result{
		{Job: "aaaa", State: job.Succeeded, Attempts: 1, Charge: &job.Charge{Billed: 5}}, {Job: "bbbb", State: job.Succeeded, Attempts: 1, Charge: &job.Charge{Billed: 5}},
	})
	if err := readFold(t, m).WriteCheckpoint(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	readFold(t, m)
	delete(m.held, historyBatch+"/_nightshift/attempts.jsonl")
	delete(m.held, historyBatch+"/results.jsonl")
	if _, err := batch.ReadFold(t.Context(), m, historyBatch); !errors.Is(err, job.ErrDamaged) || job.Hint(err) == "" {
		t.Errorf("logs that were emptied: %v", err)
	}
}

// A ceiling only saves a refused request.
func TestDamagedCeilingsAreAsGoodAsNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"null", "{", `{"test": 4}`, ""} {
		b, err := bucket.NewLocal(t.TempDir())
		if err == nil {
			err = b.Put(t.Context(), "_nightshift/ceilings.json", strings.NewReader(text))
		}
		if err != nil {
			t.Fatal(err)
		}
		if c, err := batch.ReadCeilings(t.Context(), b); err != nil || c.Of(job.Test, "art") != 0 {
			t.Errorf("%q is read as %v, %v", text, c, err)
		}
		if err := batch.KeepCeilings(t.Context(), b, job.Test, map[string]int{"art": 3}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
