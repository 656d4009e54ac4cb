package nights

import (
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/simulator"
)

// A run whose Redis server restarts, or is away for a while, waits for it and goes on.
func TestRunOutlivesItsRedis(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(5*time.Second, 10*time.Second), Parallel: 6, Seed: 1, RequestsPerMinute: 600}, etchings(40))
		s := n.runOn(n.throughGate())
		n.until("it is under way", time.Minute, func() bool { return len(n.sim.Ledger()) > 6 })
		n.gate.stop()
		time.Sleep(20 * time.Second) // virtual
		n.gate.open()
		n.until("it goes on", 5*time.Minute, func() bool {
			if !s.running() {
				t.Fatalf("code %d: %s %s", s.code, s.out.last(), s.log.text())
			}
			return len(n.sim.Ledger()) > 20
		})
		if err := n.saveRedis(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(700 * time.Millisecond) // virtual; this is lost
		if err := n.restartRedis(); err != nil {
			t.Fatal(err)
		}
		s.complete(time.Hour)
		n.paidOnce()
		n.allStored()
	})
}
