package batch_test

import (
	"errors"
	"strings"
	"testing"

	"nightshift/internal/batch"
	"nightshift/internal/job"
)

// A log that knows less than it did is lost, or was cut, also between two lines.
func TestLogsThatKnowLessThanTheyDid(t *testing.T) {
	t.Parallel()
	begun := job.AttemptLine{Event: job.Begun}
	a, b, again := sampleIntent("aaaa", 1), sampleIntent("bbbb", 1), sampleIntent("aaaa", 2)
	over := job.AttemptLine{Event: job.Ended, Job: "aaaa", Attempt: 1}
	cases := map[string]struct {
		lines   []job.AttemptLine
		results []job.Result
		least   string // "" where nothing is known
		damaged string
	}{
		"nothing is known":          {lines: []job.AttemptLine{a}},
		"nothing was sent":          {lines: []job.AttemptLine{begun}, least: `{"attempts":0}`},
		"as it was":                 {lines: []job.AttemptLine{begun, a, b}, least: `{"attempts":2}`},
		"in another order":          {lines: []job.AttemptLine{b, begun, a}, least: `{"attempts":2}`},
		"more was sent":             {lines: []job.AttemptLine{begun, a, b}, least: `{"attempts":1}`},
		"a job that was tried anew": {lines: []job.AttemptLine{begun, a, over, again}, least: `{"attempts":2}`},
		"and was not by this log":   {lines: []job.AttemptLine{begun, a, over}, least: `{"attempts":2}`, damaged: "of 2 attempts that were sent it knows 1"},
		"no number":                 {lines: []job.AttemptLine{begun, a}, least: `{}`, damaged: "says not how many"},
		"a number of nothing":       {lines: []job.AttemptLine{begun, a}, least: `{"attempts":-5}`, damaged: "says not how many"},
		"a result, too":             {lines: []job.AttemptLine{begun, a}, results: []job.Result{{Job: "cccc", State: job.Failed, Attempts: 1}}, least: `{"attempts":2}`},
		"deleted":                   {least: `{"attempts":0}`, damaged: "first line is missing"},
		"deleted under way":         {least: `{"attempts":3}`, damaged: "of 3 attempts that were sent it knows 0"},
		"its end is cut off":        {lines: []job.AttemptLine{begun, a}, least: `{"attempts":2}`, damaged: "of 2 attempts that were sent it knows 1"},
		"its begin is cut off":      {lines: []job.AttemptLine{a, b}, least: `{"attempts":2}`, damaged: "first line is missing"},
		"what it knows is lost":     {lines: []job.AttemptLine{begun}, least: "null", damaged: "says not how many"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			putLines(t, m, "_nightshift/attempts.jsonl", c.lines)
			putLines(t, m, "errors.jsonl", c.results)
			if c.least != "" {
				m.held[historyBatch+"/_nightshift/attempts.json"] = []byte(c.least + "\n")
			}
			_, err := batch.ReadFold(t.Context(), m, historyBatch)
			if (err != nil) != (c.damaged != "") {
				t.Fatalf("read with %v", err)
			}
			if err != nil && (!errors.Is(err, job.ErrDamaged) || job.Hint(err) == "" || !strings.Contains(err.Error(), c.damaged)) {
				t.Errorf("%v, hint %q; want %q", err, job.Hint(err), c.damaged)
			}
		})
	}
}

// Who reads on knows the same as who reads anew, wherever the first look was.
func TestReadOnKnowsTheSame(t *testing.T) {
	t.Parallel()
	paid := job.Result{Job: "aaaa", State: job.Succeeded, Attempts: 1, Charge: &job.Charge{Billed: 10_750}}
	attempts := []job.AttemptLine{{Event: job.Begun}, sampleIntent("aaaa", 1), sampleIntent("bbbb", 1)}
	for seen := range attempts {
		m := newMemory()
		putLines(t, m, "_nightshift/attempts.jsonl", attempts[:seen+1])
		f, err := batch.ReadOn(t.Context(), m, historyBatch, nil)
		if err != nil {
			t.Fatal(err)
		}
		putLines(t, m, "_nightshift/attempts.jsonl", attempts)
		putLines(t, m, "results.jsonl", []job.Result{paid})
		f, err = batch.ReadOn(t.Context(), m, historyBatch, f)
		if err != nil {
			t.Fatalf("after %d lines: %v", seen+1, err)
		}
		if f.Attempts() != 2 || len(f.InFlight()) != 1 {
			t.Errorf("after %d lines it knows %d attempts, %d in flight", seen+1, f.Attempts(), len(f.InFlight()))
		}
	}
}

// A checkpoint knows how many jobs were sent, those too that were refused and never tried
// again.
func TestCheckpointsKnowHowManyJobsWereSent(t *testing.T) {
	t.Parallel()
	m := newMemory()
	putLines(t, m, "_nightshift/attempts.jsonl", []job.AttemptLine{
		{Event: job.Begun}, sampleIntent("aaaa", 1), sampleIntent("bbbb", 1), sampleIntent("cccc", 1), {Event: job.Refused, Job: "cccc", Attempt: 1, Fence: 8},
	})
	putLines(t, m, "results.jsonl", []job.Result{{Job: "aaaa", State: job.Succeeded, Attempts: 1}, {Job: "bbbb", State: job.Succeeded, Attempts: 2}})
	if err := readFold(t, m).WriteCheckpoint(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := batch.WriteLeast(t.Context(), m, historyBatch, batch.Least{Attempts: 4}); err != nil {
		t.Fatal(err)
	}
	if f := readFold(t, m); f.Attempts() != 4 || len(f.InFlight()) > 0 || !f.Begun() {
		t.Errorf("it knows %d attempts, begun %t", f.Attempts(), f.Begun())
	}
}
