package nights

import (
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/simulator"
)

// The list of inferences is out all night, while each can be read by itself. What runs is
// looked after by the tasks that were parked before it was sent.
func TestListIsOutAllNight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(20*time.Second, 20*time.Second), Parallel: 20, Seed: 1, RequestsPerMinute: 600}, etchings(60))
		if err := n.sim.SetFaults(simulator.Fault{Kind: simulator.FaultListError, Rate: 1}); err != nil {
			t.Fatal(err)
		}
		n.member()
		n.member()
		n.submit()
		n.over(30 * time.Minute)
		n.noneFailed()
		n.paidOnce()
		n.allStored()
	})
}

// The worker that watches the jobs of all does not reach the image API any more, and lives.
// It leaves the watch to another one, which finds the run whose reply was lost, too.
func TestWatcherIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(20*time.Second, 20*time.Second), Parallel: 20, Seed: 1, RequestsPerMinute: 600}, etchings(60))
		watching := n.mortal()
		n.submit()
		n.until("the first wave runs", 5*time.Minute, func() bool { return len(n.sim.Ledger()) == 20 })
		n.mortal()
		n.until("the second wave begins", 5*time.Minute, func() bool { return len(n.sim.Ledger()) > 25 })
		if err := n.sim.SetFaults(simulator.Fault{Kind: simulator.FaultDropAfterAccept, Next: 3}); err != nil {
			t.Fatal(err)
		}
		watching.isolate(true)
		n.over(30 * time.Minute)
		n.noneFailed()
		n.paidOnce()
		n.allStored()
	})
}
