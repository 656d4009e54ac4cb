package nights

import (
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

var largeJobs = flag.Int("large", 0, "run one night of about so many jobs on 50 keys; 20000 take several minutes")

// TestLargeNight is a night of many jobs on fifty keys of ten projects in five teams, with
// workers that are killed, Redis emptied and replies lost in the middle. It is judged as any
// other.
func TestLargeNight(t *testing.T) {
	if *largeJobs == 0 {
		t.Skip("run by hand, with -large 20000")
	}
	synctest.Test(t, func(t *testing.T) {
		s := largeScript(*largeJobs)
		n := nightOf(t, s)
		n.pass()
		n.calm()
		n.finish()
		n.judge()
		ledger := n.sim.Ledger()
		t.Logf("%d runs on %d keys in %s; Redis held %d jobs at the most", len(ledger), len(n.paidBy()), time.Since(n.began), n.mostRecords)
		if len(n.paidBy()) != len(s.keys) {
			t.Errorf("%d of %d keys paid", len(n.paidBy()), len(s.keys))
		}
		if t.Failed() {
			t.Log(n.tell())
		}
	})
}

// largeScript is the night of so many jobs.
func largeScript(jobs int) script {
	s := script{seed: 1, latency: simulator.Between(5*time.Second, 15*time.Second), slowest: 15 * time.Second, parallel: 60, requests: 1200, workers: 3, length: 4 * time.Minute}
	for i := range 50 {
		k := drawnKey{Key: keyOf(fmt.Sprint("k", i), fmt.Sprint("proj_", i%10), fmt.Sprint("team_", i%5))}
		if i%7 == 6 {
			k.parallel = 4
		}
		if i%9 == 8 {
			k.cap = 300 * job.OneCU
		}
		s.keys = append(s.keys, k)
	}
	priorities := []string{"overnight", "", "", "urgent"}
	for i, priority := range priorities {
		b := drawnBatch{name: fmt.Sprint("batch", i+1), shape: shapes[i], rows: jobs / len(priorities), samples: 1, priority: priority, at: time.Duration(10*i) * time.Second}
		s.batches = append(s.batches, b)
	}
	for i, name := range []string{"a worker is killed", "Redis is emptied", "a worker stands still", "Redis loses its last second", "a worker is killed between two steps"} {
		s.events = append(s.events, event{at: time.Duration(60+25*i) * time.Second, trouble: troubleOf(name)})
	}
	lost := trouble{name: "replies are lost", strike: func(n *drawnNight) {
		for _, kind := range []simulator.FaultKind{simulator.FaultDropAfterAccept, simulator.FaultErrorBeforeAccept, simulator.FaultFailGeneration} {
			n.err(drawnFault{kind: kind, most: 0.05})
		}
	}}
	s.events = append([]event{{at: 50 * time.Second, trouble: lost}}, s.events...)
	return s
}

// troubleOf is the trouble of a name.
func troubleOf(name string) trouble {
	for _, t := range troubles {
		if t.name == name {
			return t
		}
	}
	panic("no trouble " + name)
}
