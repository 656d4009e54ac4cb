package nights

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/batch"
)

// TestKeysChange takes a key out of the keys file in the middle and puts one in. What
// the old one has started comes home, read with the old credential, since no other
// key of its project is left.
func TestKeysChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newKeyNight(t, keyOptions(keyA, keyC), etchings(90), poolOf(entryOf(keyA)))
		if err := n.sim.SetFaults(lostReplies(0.2)...); err != nil {
			t.Fatal(err)
		}
		s := n.run()
		n.until("the key has runs under way", time.Minute, func() bool { return len(n.sim.Ledger()) > 25 })
		n.writeKeys(poolOf(entryOf(keyC)))
		s.takenOver()
		time.Sleep(time.Second) // virtual: what was on the wire then has arrived
		removed := time.Now()
		s.complete(time.Hour)
		by := n.paidBy()
		if after := acceptedAfter(by["a"], removed); after > 0 {
			t.Errorf("a key that is gone from the file started %d runs", after)
		}
		if len(by["c"]) == 0 {
			t.Error("the new key started nothing")
		}
		n.paidOnce()
		n.allStored()
		n.booksAgree(n)
	})
}

// TestKeysChangeOutlivesTheBucket changes the keys while the bucket takes nothing: the
// worker takes them over when it does again.
func TestKeysChangeOutlivesTheBucket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newKeyNight(t, keyOptions(keyA, keyC), etchings(90), poolOf(entryOf(keyA)))
		m := n.member()
		n.submit()
		n.until("the key has runs under way", time.Minute, func() bool { return len(n.sim.Ledger()) > 25 })
		state := filepath.Join(n.folder, n.manifest.Batch(), batch.StateName)
		if err := errors.Join(os.Rename(state, state+".kept"), os.Mkdir(state, 0o700)); err != nil {
			t.Fatal(err)
		}
		n.writeKeys(poolOf(entryOf(keyC)))
		n.until("the worker tries", time.Minute, func() bool { return strings.Contains(m.log.text(), "not taken over yet") })
		if err := errors.Join(os.Remove(state), os.Rename(state+".kept", state)); err != nil {
			t.Fatal(err)
		}
		n.until("the new key is used", time.Minute, func() bool { return len(n.paidBy()["c"]) > 0 })
		n.over(time.Hour)
		n.paidOnce()
		n.allStored()
	})
}

// TestRenewedCredential gives the only key another credential after the API has
// refused the one it had. It goes on at once, and knows its runs again.
func TestRenewedCredential(t *testing.T) {
	t.Parallel()
	renewed := keyOf("a2", keyA.Project, keyA.Team)
	synctest.Test(t, func(t *testing.T) {
		n := newKeyNight(t, keyOptions(keyA, keyC, renewed), etchings(90), poolOf(entryOf(keyA), entryOf(keyC, "parallel: 1")))
		if err := n.sim.SetFaults(lostReplies(0.2)...); err != nil {
			t.Fatal(err)
		}
		s := n.run()
		n.until("the key has runs under way", time.Minute, func() bool { return len(n.paidBy()["a"]) > 25 })
		if err := n.sim.RevokeKey("a"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second) // virtual
		n.writeKeys(poolOf(entryWith("a", renewed), entryOf(keyC, "parallel: 1")))
		s.complete(time.Hour)
		if by := n.paidBy(); len(by["a2"]) < 10 {
			t.Errorf("after it was renewed the key started %d runs", len(by["a2"]))
		}
		n.paidOnce()
		n.allStored()
	})
}

// TestBrokenKeysFile leaves a keys file that does not read: the old one stays in
// force, and the run says so.
func TestBrokenKeysFile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newKeyNight(t, keyOptions(keyA), etchings(90), poolOf(entryOf(keyA, "parallel: 5")))
		s := n.run()
		n.until("runs are under way", time.Minute, func() bool { return len(n.sim.Ledger()) > 5 })
		n.writeKeys("pools: {default: [")
		s.complete(time.Hour)
		if s.out.count("stays in force") != 1 {
			t.Error("it does not say, once, that the file is broken")
		}
		n.paidOnce()
		n.booksAgree(n)
	})
}

// TestPlanOfKeys has a model that only some keys may run. Jobs move to one that may;
// where none is left they fail, and name the plan.
func TestPlanOfKeys(t *testing.T) {
	t.Parallel()
	basic := keyA
	basic.Plan = "cu-basic"
	frescoes := strings.Replace(etchings(30), etching, fresco, 1)
	synctest.Test(t, func(t *testing.T) {
		n := newKeyNight(t, keyOptions(basic, keyC), frescoes, poolOf(entryOf(basic), entryOf(keyC)))
		n.run().complete(time.Hour)
		if by := n.paidBy(); len(by["c"]) != 30 {
			t.Errorf("the key that may run the model paid for %d jobs of 30", len(by["c"]))
		}
		n.paidOnce()
		n.allStored()
		n.booksAgree(n)
	})
	synctest.Test(t, func(t *testing.T) {
		n := newKeyNight(t, keyOptions(basic, keyC), frescoes, poolOf(entryOf(keyC, "parallel: 2")))
		s := n.run()
		n.until("runs are under way", time.Minute, func() bool { return len(n.sim.Ledger()) > 3 })
		n.writeKeys(poolOf(entryOf(basic)))
		if code := s.end(time.Hour); code != exitSomeFailed {
			t.Errorf("code %d", code)
		}
		failed := n.failed()
		if len(failed) == 0 || len(failed)+len(n.succeeded()) != 30 {
			t.Fatalf("%d failed and %d succeeded of 30", len(failed), len(n.succeeded()))
		}
		for _, result := range failed {
			if result.Kind != "access" || !strings.Contains(result.Hint, "cu-team") || result.Billed != 0 {
				t.Errorf("%s failed as %s: %s (%s), %s CU", result.Row, result.Kind, result.Reason, result.Hint, result.Billed)
			}
		}
		n.booksAgree(n)
	})
}
