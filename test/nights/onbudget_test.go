package nights

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/simulator"
)

// TestOnBudget has a cap that is reached at noon. With on_budget: fail the run ends
// as soon as what is under way is collected; with wait, which is the usual, it stays
// and waits for the next day.
func TestOnBudget(t *testing.T) {
	t.Parallel()
	keys := poolOf(entryOf(keyA, "cu: {day: 20}"))
	synctest.Test(t, func(t *testing.T) {
		n := newKeyNight(t, keyOptions(keyA), etchings(20, "on_budget: fail"), keys)
		n.pass(12 * time.Hour)
		began := time.Now()
		s := n.run()
		if code := s.end(time.Minute); code != exitSomeFailed {
			t.Errorf("code %d", code)
		}
		if end := s.out.summary(); end.Outcome != "blocked" || end.Jobs.Succeeded != 8 || end.Jobs.NotRun != 12 || !strings.Contains(end.Reason, "cap of key a") {
			t.Errorf("it ends with %+v", end)
		}
		// Runs take up to 12 s, and it must have looked for 5 s as if nothing went on.
		if took := time.Since(began); took > 25*time.Second {
			t.Errorf("it took %s to end", took)
		}
		n.booksAgree(n)
	})
	synctest.Test(t, func(t *testing.T) {
		n := newKeyNight(t, keyOptions(keyA), etchings(12), keys)
		n.pass(24*time.Hour - 2*time.Minute)
		s := n.run()
		time.Sleep(time.Minute) // virtual
		midnight := time.Now().Truncate(24 * time.Hour).Add(24 * time.Hour)
		if !s.running() || !s.waitsUntil(midnight) {
			t.Errorf("a minute before midnight it waits for %+v", s.out.waits())
		}
		s.complete(time.Hour)
		n.paidOnce()
		n.booksAgree(n)
	})
}

// TestPriceDrift has the provider bill a run dearer than it quoted: by 22 percent,
// since the part that drifts is not all of the price.
func TestPriceDrift(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		budget string
		stops  bool
	}{
		"more than usual":     {"", true},
		"more than is agreed": {"budget: {drift: 0.2}", true},
		"as much as agreed":   {"budget: {drift: 0.23}", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := keyOptions(keyA)
				o.Parallel = 5
				n := newKeyNight(t, o, etchings(30, test.budget), poolOf(entryOf(keyA)))
				if err := n.sim.SetFaults(simulator.Fault{Kind: simulator.FaultPriceDrift, Next: 1}); err != nil {
					t.Fatal(err)
				}
				s := n.run()
				if !test.stops {
					s.complete(time.Hour)
					n.paidOnce()
					n.booksAgree(n)
					return
				}
				if code := s.end(5 * time.Minute); code != exitSomeFailed {
					t.Errorf("code %d: %s", code, s.out.last())
				}
				end := s.out.summary()
				if end.Outcome != "blocked" || !strings.Contains(end.Reason, "billed 2.75 CU and quoted 2.25") || !strings.Contains(end.Hint, "budget.drift") {
					t.Errorf("it ends with %+v", end)
				}
				if runs := len(n.sim.Ledger()); runs > 12 {
					t.Errorf("%d runs were started before it stopped", runs)
				}
				n.run().complete(time.Hour) // the bill was the only dear one
				n.paidOnce()
				n.allStored()
				n.booksAgree(n)
			})
		})
	}
}

// TestRefunds has runs fail, of which some are paid back and some are not.
func TestRefunds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newKeyNight(t, keyOptions(keyA, keyC), etchings(60), poolOf(entryOf(keyA), entryOf(keyC)))
		err := n.sim.SetFaults(append(lostReplies(0.2),
			simulator.Fault{Kind: simulator.FaultFailGeneration, Rate: 0.1, Seed: 4},
			simulator.Fault{Kind: simulator.FaultCancelGeneration, Rate: 0.1, Seed: 5},
			simulator.Fault{Kind: simulator.FaultModeration, Rate: 0.1, Seed: 6},
			simulator.Fault{Kind: simulator.FaultModerationNoRefund, Rate: 0.1, Seed: 7},
			simulator.Fault{Kind: simulator.FaultPriceDrift, Rate: 0.2, Seed: 8, Percent: 5},
		)...)
		if err != nil {
			t.Fatal(err)
		}
		if code := n.run().end(time.Hour); code != exitSomeFailed {
			t.Errorf("code %d", code)
		}
		kept := 0
		for _, result := range n.failed() {
			if result.Reason == "" || result.Hint == "" || result.Kind == "rejected" && result.Attempts > 3 {
				t.Errorf("failure does not speak, or was bought too often: %+v", result)
			}
			if result.Billed > result.Refunded {
				kept++
			}
		}
		if back := len(n.failed()) - kept; kept == 0 || back == 0 {
			t.Errorf("of the failed runs %d were paid back and %d were not; the night should have both", back, kept)
		}
		refused, bought := 0, make(map[string]int)
		for _, entry := range n.sim.Ledger() {
			bought[content(entry.Model, entry.Input)]++
		}
		for _, result := range n.failed() {
			if result.Kind == "rejected" && result.Attempts == 1 {
				refused++
				if bought[content(result.Model, result.Inputs)] > 1 {
					t.Errorf("%s was refused for its content and bought again", result.Row)
				}
			}
		}
		if refused == 0 {
			t.Error("no job was refused for its content; the night should have some")
		}
		if len(n.failed())+len(n.succeeded()) != 60 {
			t.Errorf("%d jobs failed and %d succeeded", len(n.failed()), len(n.succeeded()))
		}
		n.booksAgree(n)
	})
}
