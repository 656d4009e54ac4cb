package nights

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/longtest"
	"nightshift/internal/simulator"
)

// TestForecast draws limits of all kinds and holds what the plan says against what it takes,
// where nothing fails: a tenth more or less, or a few seconds.
func TestForecast(t *testing.T) {
	t.Parallel()
	for seed := uint64(longtest.Times(10, 1)); seed <= 12; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { forecastHolds(t, seed) })
		})
	}
}

func forecastHolds(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 5))
	s := script{seed: seed, keys: drawKeys(r), requests: 60 + r.IntN(300), parallel: 2 + r.IntN(30)}
	for i := range s.keys {
		s.keys[i].cap = 0
	}
	fast := time.Duration(3+r.IntN(30)) * time.Second
	s.latency = simulator.Between(fast, fast+fast/5)
	n := nightOf(t, s)
	n.hire()
	n.hire()
	n.judgeForecast(60+r.IntN(140), 5*time.Second)
	if t.Failed() {
		t.Log(s)
	}
}

// judgeForecast has a batch find all ceilings, and holds what the plan of another says
// against what that takes: a tenth more or less, and some leeway.
func (n *drawnNight) judgeForecast(rows int, leeway time.Duration) {
	n.t.Helper()
	learns := n.batch(drawnBatch{name: "learns", shape: shapes[1], rows: 2*n.script.parallel*teams(n.script) + 5, samples: 1}.manifest())
	n.done("submit", learns.file)
	learns.over(time.Hour)
	time.Sleep(61 * time.Second) // virtual; a plan does not know how much of the rate others have used
	told := n.batch(drawnBatch{name: "told", shape: shapes[1], rows: rows, samples: 1}.manifest())
	var plan struct {
		Forecast struct {
			Seconds float64
			Bound   string
		}
	}
	if err := json.Unmarshal([]byte(n.done("plan", "--json", told.file)), &plan); err != nil {
		n.t.Fatal(err)
	}
	began := time.Now()
	n.done("submit", told.file)
	told.over(5 * time.Hour)
	took, said := time.Since(began).Seconds(), plan.Forecast.Seconds
	n.t.Logf("%d rows, %d keys, %d at a time, %d requests a minute, inferences of %s: %.0f s were said (bound: %s), %.0f s it took",
		rows, len(n.script.keys), n.script.parallel, n.script.requests, n.script.latency, said, plan.Forecast.Bound, took)
	if off := took - said; max(off, -off) > took/10+leeway.Seconds() {
		n.fail("the forecast holds", "", "%.0f s were said, and it took %.0f s", said, took)
	}
}

// teams is how many teams the keys are of: each has a ceiling, which is learned when it is
// reached.
func teams(s script) int {
	seen := make(map[string]bool)
	for _, k := range s.keys {
		seen[k.Team] = true
	}
	return len(seen)
}
