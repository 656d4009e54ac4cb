package nights

import (
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/longtest"
	"nightshift/internal/simulator"
)

// lostReplies are three ways in which a submission has no answer, of which the
// program cannot tell one from the other.
func lostReplies(share float64) []simulator.Fault {
	return []simulator.Fault{
		{Kind: simulator.FaultDropAfterAccept, Rate: share / 3, Seed: 1},
		{Kind: simulator.FaultErrorAfterAccept, Rate: share / 3, Seed: 2},
		{Kind: simulator.FaultDropBeforeAccept, Rate: share / 3, Seed: 3},
	}
}

// TestLostReplies has three of ten submissions go unanswered, on clocks that
// disagree, with a list that shows runs late, in pieces and without their prompts.
// Whatever became of them, every job is paid once and its image stored; and where
// counting can tell what became of them, no person is asked.
func TestLostReplies(t *testing.T) {
	t.Parallel()
	poorList := []simulator.Fault{
		{Kind: simulator.FaultSparseList, Rate: 0.3, Seed: 4},
		{Kind: simulator.FaultListLag, Rate: 0.3, Seed: 5, Seconds: 25},
	}
	hidden := simulator.Fault{Kind: simulator.FaultHidePrompt, Rate: 0.3, Seed: 6}
	some, many := longtest.Times(50, 100), longtest.Times(150, 500)
	tests := []struct {
		name     string
		manifest string
		jobs     int
		skew     time.Duration
		list     []simulator.Fault
	}{
		{"seeds", etchings(many), many, 0, nil},
		{"no seeds, many equal", woodcuts(many/25, 25), many, 0, nil},
		{"seeds, provider's clock is slow", etchings(some), some, -90 * time.Second, append(poorList, hidden)},
		{"seeds, provider's clock is fast", etchings(some), some, 5 * time.Minute, append(poorList, hidden)},
		{"no seeds, provider's clock is slow", woodcuts(some/10, 10), some, -90 * time.Second, poorList},
		{"no seeds, provider's clock is fast", woodcuts(some/10, 10), some, 5 * time.Minute, poorList},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNight(t, simulator.Options{
					Latency: simulator.Between(3*time.Second, 12*time.Second), Parallel: 80, RequestsPerMinute: 900, Seed: 1, ClockSkew: test.skew,
				}, test.manifest)
				if err := n.sim.SetFaults(append(lostReplies(0.3), test.list...)...); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				s := n.run()
				for s.running() {
					time.Sleep(time.Second) // virtual
					if asked := n.questions(); len(asked) > 0 {
						t.Fatalf("a person is asked %d questions, the first: %+v", len(asked), asked[0])
					}
				}
				s.complete(time.Second)
				n.paidOnce()
				n.allStored()
				n.booksAgree(n)
				if jobs := len(n.planned()); jobs != test.jobs {
					t.Errorf("the batch has %d jobs, want %d", jobs, test.jobs)
				}
				t.Logf("it took %s of virtual time", time.Since(began))
			})
		})
	}
}
