package nights

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/longtest"
	"nightshift/internal/simulator"
)

// TestWipedRedis empties Redis at random moments of a batch whose replies are lost
// now and then. The run goes on from the bucket and the provider: every job is paid
// once, and every book agrees with the ledger.
func TestWipedRedis(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		manifest string
		moments  uint64
	}{
		{"seeds", etchings(longtest.Times(120, 200)), 1},
		{"no seeds, many equal", woodcuts(longtest.Times(6, 10), 20), 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := keyOptions(keyA, keyB, keyC)
				o.Parallel = 20
				n := newKeyNight(t, o, test.manifest, poolOf(entryOf(keyA), entryOf(keyB), entryOf(keyC)))
				if err := n.sim.SetFaults(lostReplies(0.3)...); err != nil {
					t.Fatal(err)
				}
				random := rand.New(rand.NewPCG(test.moments, 1))
				s, wiped := n.run(), 0
				for range 4 {
					time.Sleep(time.Duration(random.Int64N(int64(25 * time.Second)))) // virtual
					if s.running() {
						n.redis.FlushAll()
						wiped++
					}
				}
				s.complete(time.Hour)
				if wiped < 3 || !s.out.said("Redis lost its state") {
					t.Errorf("Redis was emptied %d times; did the run say so: %t", wiped, s.out.said("Redis lost its state"))
				}
				n.paidOnce()
				n.allStored()
				n.booksAgree(n)
			})
		})
	}
}

// TestWipedUnderTwoBatches empties the Redis that two batches share: one begins it
// anew, and both go on counting together.
func TestWipedUnderTwoBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := newNight(t, simulator.Options{
			Latency: simulator.Between(3*time.Second, 12*time.Second), Parallel: 12, RequestsPerMinute: 600, Seed: 1,
		}, etchings(60), "NIGHTSHIFT_PARALLEL=12")
		second := first.batch(renamed("dusk", woodcuts(6, 10)))
		if err := first.sim.SetFaults(lostReplies(0.2)...); err != nil {
			t.Fatal(err)
		}
		a, b := first.run(), second.run()
		for range 2 {
			time.Sleep(13 * time.Second) // virtual
			first.redis.FlushAll()
		}
		a.complete(time.Hour)
		b.complete(time.Hour)
		for _, n := range []*night{first, second} {
			n.allStored()
		}
		first.booksAgree(first, second)
		if all := len(first.planned()) + len(second.planned()); len(first.sim.Ledger()) != all {
			t.Errorf("%d jobs, and %d were paid", all, len(first.sim.Ledger()))
		}
	})
}
