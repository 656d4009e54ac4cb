package nights

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

// mixed is a manifest of etchings and woodcuts by turns, so that a cap that has no
// room for the dear ones has some for a cheap one.
func mixed(jobs int, more ...string) string {
	items := make([]string, jobs)
	for i := range items {
		model := etching
		if i%2 == 0 {
			model = woodcut
		}
		items[i] = fmt.Sprintf("  - {id: p%d, model: %s}", i, model)
	}
	return "version: 1\nname: night\nprompt: \"potion {id}\"\nitems:\n" + strings.Join(items, "\n") + "\n" + strings.Join(more, "\n") + "\n"
}

// capped is a cap of some of the runs in the ledger.
type capped struct {
	cu job.CU
	of func(simulator.Entry) bool
}

// most returns the most that the runs of a cap ever had cost between two moments: at
// each acceptance, what was charged and not given back.
func (c capped) most(entries []simulator.Entry, from, to time.Time) job.CU {
	most := job.CU(0)
	for _, at := range entries {
		if !c.of(at) || at.Accepted.Before(from) || !at.Accepted.Before(to) {
			continue
		}
		sum := job.CU(0)
		for _, e := range entries {
			if !c.of(e) || e.Accepted.Before(from) || e.Accepted.After(at.Accepted) {
				continue
			}
			sum += e.Charge
			if !e.Ended.IsZero() && e.Ended.Before(at.Accepted) {
				sum -= e.Refund
			}
		}
		most = max(most, sum)
	}
	return most
}

// holds judges that a cap was never passed between two moments, and used up as far
// as the cheapest job fits.
func (n *night) holds(name string, c capped, from, to time.Time) {
	n.t.Helper()
	entries := n.sim.Ledger()
	if most := c.most(entries, from, to); most > c.cu {
		n.t.Errorf("%s: %s CU were out at once, the cap is %s", name, most, c.cu)
	}
	spent := job.CU(0)
	for _, e := range entries {
		if c.of(e) && !e.Accepted.Before(from) && e.Accepted.Before(to) {
			spent += e.Charge - e.Refund
		}
	}
	if spent > c.cu || c.cu-spent >= etchingCU {
		n.t.Errorf("%s: of %s CU %s were spent, and another job fits", name, c.cu, spent)
	}
}

// TestCaps has a cap of each kind for good, with lost replies and runs that fail and
// are paid back. The batch stops when nothing fits any more.
func TestCaps(t *testing.T) {
	t.Parallel()
	const most = 50 * job.OneCU
	all := func(simulator.Entry) bool { return true }
	tests := []struct {
		name     string
		keys     string
		manifest string
		caps     []capped
		reason   job.WaitReason
	}{
		{
			"keys", poolOf(entryOf(keyA, "cu: {total: 50}"), entryOf(keyB, "cu: {total: 50}")), mixed(60),
			[]capped{{most, func(e simulator.Entry) bool { return e.Key == "a" }}, {most, func(e simulator.Entry) bool { return e.Key == "b" }}},
			job.WaitKeyCU,
		},
		{"project", poolOf(entryOf(keyA), entryOf(keyB)) + "projects: {proj_1: {cu: {total: 50}}}\n", mixed(60), []capped{{most, all}}, job.WaitProjectCU},
		{"team", poolOf(entryOf(keyA), entryOf(keyB)) + "teams: {team_1: {cu: {total: 50}}}\n", mixed(60), []capped{{most, all}}, job.WaitTeamCU},
		{"batch, by the keys file", poolOf(entryOf(keyA), entryOf(keyC)) + "batches: {night: {cu: {total: 50}}}\n", mixed(60), []capped{{most, all}}, job.WaitBatchCU},
		{"batch, by its manifest", poolOf(entryOf(keyA), entryOf(keyC)), mixed(60, "budget: {cu: 50}"), []capped{{most, all}}, job.WaitBatchCU},
		{
			"the lowest of all", poolOf(entryOf(keyA, "cu: {total: 20}"), entryOf(keyC)) + "teams: {team_2: {cu: {day: 30}}}\nbatches: {night: {cu: {total: 90}}}\n", mixed(60),
			[]capped{
				{20 * job.OneCU, func(e simulator.Entry) bool { return e.Key == "a" }},
				{30 * job.OneCU, func(e simulator.Entry) bool { return e.Key == "c" }},
			}, job.WaitKeyCU,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newKeyNight(t, keyOptions(keyA, keyB, keyC), test.manifest+"on_budget: fail\n", test.keys)
				if err := n.sim.SetFaults(append(lostReplies(0.2), simulator.Fault{Kind: simulator.FaultFailGeneration, Rate: 0.2, Seed: 9})...); err != nil {
					t.Fatal(err)
				}
				s := n.run()
				if code := s.end(time.Hour); code != exitSomeFailed {
					t.Fatalf("code %d: %s", code, s.out.last())
				}
				for i, c := range test.caps {
					n.holds(fmt.Sprintf("cap %d", i), c, time.Time{}, time.Now())
				}
				if s.out.waitedFor(test.reason) == nil {
					t.Errorf("it waited for %v, want %s", s.out.waits(), test.reason)
				}
				n.booksAgree(n)
			})
		})
	}
}

// TestTeamCapAcrossBatches has two batches of one team run at the same time.
func TestTeamCapAcrossBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := poolOf(entryOf(keyA), entryOf(keyB)) + "teams: {team_1: {cu: {total: 100}}}\n"
		n := newKeyNight(t, keyOptions(keyA, keyB), mixed(40), keys)
		other := n.batch(renamed("dusk", mixed(40)))
		first, second := n.run(), other.run()
		for _, s := range []*shift{first, second} {
			if code := s.end(time.Hour); code != exitSomeFailed {
				t.Errorf("code %d: %s", code, s.out.last())
			}
		}
		n.holds("team", capped{100 * job.OneCU, func(simulator.Entry) bool { return true }}, time.Time{}, time.Now())
		n.booksAgree(n, other)
	})
}
