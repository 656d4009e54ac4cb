package nights

import (
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/simulator"
)

// TestKilledWorker is a batch of 200 jobs of 30 s each for two workers, with lost replies.
// One of them is killed in the middle of the second wave.
func TestKilledWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(30*time.Second, 30*time.Second), Parallel: 50, Seed: 1, RequestsPerMinute: 300}, etchings(200))
		if err := n.sim.SetFaults(lostReplies(0.1)...); err != nil {
			t.Fatal(err)
		}
		doomed := n.mortal()
		n.member()
		n.submit()
		n.until("the second wave has begun", 2*time.Minute, func() bool { return len(n.sim.Ledger()) > 55 })
		doomed.kill()
		n.over(time.Hour)
		n.noneFailed()
		n.paidOnce()
		n.allStored()
	})
}
