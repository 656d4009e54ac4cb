package chaos

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// summary is what a run has shown.
type summary struct {
	Seed    uint64  `json:"seed"`
	Bucket  string  `json:"bucket"`
	Seconds float64 `json:"seconds"`
	Workers int     `json:"workers"`
	Batches int     `json:"batches"`
	counts
	verdict
	// Settled is how long it took until the last batch was over after the last fault.
	Settled float64 `json:"settledSeconds"`
	// Gap is the longest time in which the provider accepted nothing, pauses, full caps and
	// faults of the provider included.
	Gap    float64 `json:"longestGapSeconds"`
	Passed bool    `json:"passed"`
}

func TestChaos(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64N(1 << 32)
	}
	var (
		mu  sync.Mutex
		all []summary
	)
	t.Cleanup(func() { write(t, seed, all) }) // when all are over
	for kind := range strings.SplitSeq(*bucketFlag, ",") {
		t.Run(kind, func(t *testing.T) {
			if *killsFlag == 0 {
				t.Parallel()
			}
			s := run(t, seed, kind)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, s)
		})
	}
}

// run breaks a fleet with a bucket of one kind.
func run(t *testing.T, seed uint64, kind string) summary {
	w := newWorld(t, seed, kind, limits{parallel: parallel})
	defer func() {
		if t.Failed() {
			w.dump()
			t.Logf("to repeat the drawing of faults: go test ./test/chaos -timeout 0 -seed %d -kills %d -bucket %s", seed, *killsFlag, kind)
		}
	}()
	w.lookAtBatches()
	w.drawFaults()
	w.after(5*time.Second, w.raiseCaps)
	never := w.started.AddDate(1, 0, 0)
	w.runUntil(never, w.enough)
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
		Seed: seed, Bucket: kind, Workers: w.shape.workers, Batches: len(w.batches), counts: w.counts,
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
	w.judgeLogs()
	s.Passed, s.Gap = !t.Failed(), w.longestGap().Seconds()
	w.tell(s)
	return s
}

// tell prints the summary.
func (w *world) tell(s summary) {
	c := s.counts
	w.t.Logf("seed %d, %.0f s (%.0f s after the last fault), %d workers on %s: %d kills of workers, %d of redis, %d of the bucket, %d flushes, "+
		"%d stops of workers, %d of redis, %d workers ended, %d link faults, %d provider faults, %d bucket faults; "+
		"%d batches, %d commands, %d jobs, %d paid, %d paid twice, %d lost, %.0f s without a submission at the most", s.Seed, s.Seconds, s.Settled, s.Workers, s.Bucket,
		c.WorkerKills, c.RedisKills, c.BucketKills, c.Flushes, c.WorkerStops, c.RedisStops, c.WorkerEnds, c.LinkFaults, c.ProviderFaults, c.BucketFaults,
		s.Batches, c.Commands, s.Jobs, s.Paid, s.Twice, s.Lost, s.Gap)
}

// longestGap is the longest time between two submissions that the provider accepted.
func (w *world) longestGap() time.Duration {
	entries, err := w.provider.ledger()
	if err != nil {
		w.t.Fatalf("read the ledger: %v", err)
	}
	longest := time.Duration(0)
	for i := 1; i < len(entries); i++ {
		longest = max(longest, entries[i].Accepted.Sub(entries[i-1].Accepted))
	}
	return longest
}

// outcome is what all runs have shown together, for the page of benchmarks.
type outcome struct {
	Kills  int       `json:"kills"`
	Twice  int       `json:"paidTwice"`
	Lost   int       `json:"lost"`
	Passed bool      `json:"passed"` // no promise at all was broken
	Ended  time.Time `json:"ended"`
	Runs   []summary `json:"runs"`
}

// write leaves the outcome in a file.
func write(t *testing.T, seed uint64, all []summary) {
	t.Helper()
	if len(all) == 0 {
		return // skipped
	}
	o := outcome{Passed: !t.Failed(), Ended: time.Now().UTC(), Runs: all}
	for _, s := range all {
		o.Kills, o.Twice, o.Lost = o.Kills+s.kills(), o.Twice+s.Twice, o.Lost+s.Lost
	}
	file := *outFlag
	if file == "" {
		file = filepath.Join("out", fmt.Sprintf("chaos-%d.json", seed))
	}
	data, err := json.MarshalIndent(o, "", "  ")
	if err == nil {
		err = os.WriteFile(file, append(data, '\n'), 0o600)
	}
	if err != nil {
		t.Errorf("write the summary: %v", err)
	}
}
