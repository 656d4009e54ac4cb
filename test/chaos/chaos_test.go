package chaos

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// summary is what a run has shown, for people and for the page of benchmarks.
type summary struct {
	Seed    uint64  `json:"seed"`
	Bucket  string  `json:"bucket"`
	Seconds float64 `json:"seconds"`
	Workers int     `json:"workers"`
	Batches int     `json:"batches"`
	counts
	verdict
	// Longest is how long it took until the last batch was over after the last fault.
	Settled float64 `json:"settledSeconds"`
	Passed  bool    `json:"passed"`
}

func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a minute")
	}
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64N(1 << 32)
	}
	w := newWorld(t, seed)
	defer func() {
		if t.Failed() {
			w.dump()
			t.Logf("to repeat the drawing of faults: go test ./test/chaos -timeout 0 -seed %d -kills %d -bucket %s", seed, *killsFlag, *bucketFlag)
		}
	}()
	w.lookAtBatches()
	w.drawFaults()
	never := w.started.AddDate(1, 0, 0)
	w.runUntil(never, func() bool { return w.counts.kills() >= w.shape.kills })
	w.calm()
	calm := time.Now()
	if !w.runUntil(calm.Add(*limitFlag), w.allOver) && !t.Failed() {
		for _, b := range w.batches {
			if !b.over {
				var questions []any                                              // that only a person can answer
				_ = w.readJSON(b.id()+"/_nightshift/questions.json", &questions) // there may be none
				w.trouble("%s is not over %s after the last fault; questions: %v", b.name, *limitFlag, questions)
			}
		}
	}
	s := summary{
		Seed: seed, Bucket: *bucketFlag, Workers: w.shape.workers, Batches: len(w.batches), counts: w.counts,
		Settled: time.Since(calm).Seconds(), Seconds: time.Since(w.started).Seconds(),
	}
	for _, b := range w.batches {
		if b.over {
			v := w.judgeBatch(b)
			s.Jobs, s.Paid, s.Twice, s.Lost = s.Jobs+v.Jobs, s.Paid+v.Paid, s.Twice+v.Twice, s.Lost+v.Lost
		}
	}
	if !t.Failed() {
		w.judgeKeys()
	}
	s.Passed = !t.Failed()
	w.tell(s)
}

// tell prints the summary and writes it to a file.
func (w *world) tell(s summary) {
	c := s.counts
	w.t.Logf("seed %d, %.0f s (%.0f s after the last fault), %d workers on a %s: %d kills of workers, %d of redis, %d flushes, "+
		"%d stops of workers, %d of redis, %d workers ended, %d link faults, %d provider faults, %d bucket faults; "+
		"%d batches, %d jobs, %d paid, %d paid twice, %d lost", s.Seed, s.Seconds, s.Settled, s.Workers, s.Bucket,
		c.WorkerKills, c.RedisKills, c.Flushes, c.WorkerStops, c.RedisStops, c.WorkerEnds, c.LinkFaults, c.ProviderFaults, c.BucketFaults,
		s.Batches, s.Jobs, s.Paid, s.Twice, s.Lost)
	file := *outFlag
	if file == "" {
		file = filepath.Join("out", fmt.Sprintf("chaos-%d.json", s.Seed))
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = os.WriteFile(file, append(data, '\n'), 0o600)
	}
	if err != nil {
		w.t.Errorf("write the summary: %v", err)
	}
}
