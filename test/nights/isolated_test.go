package nights

import (
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/simulator"
)

// The worker that watches the jobs of all does not reach the image API any more, and lives.
// What runs then is looked after by the tasks that were parked before it was sent, which
// other workers take up, too.
func TestIsolatedWatcher(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(20*time.Second, 20*time.Second), Parallel: 20, Seed: 1, RequestsPerMinute: 600}, etchings(60))
		watching := n.mortal()
		n.submit()
		n.until("the first wave runs", 5*time.Minute, func() bool { return len(n.sim.Ledger()) == 20 })
		n.mortal()
		n.until("the second wave runs", 5*time.Minute, func() bool { return len(n.sim.Ledger()) == 40 })
		watching.isolate(true)
		began := time.Now()
		n.over(30 * time.Minute)
		t.Logf("it took %s more of virtual time", time.Since(began))
		n.noneFailed()
		n.paidOnce()
		n.allStored()
	})
}
