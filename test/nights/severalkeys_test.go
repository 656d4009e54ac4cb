package nights

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

// Three keys of two teams; the first two see each other's runs.
var (
	keyA = keyOf("a", "proj_1", "team_1")
	keyB = keyOf("b", "proj_1", "team_1")
	keyC = keyOf("c", "proj_2", "team_2")
)

// keyOptions are those of nights with several keys: runs of ten seconds, many at a
// time.
func keyOptions(keys ...simulator.Key) simulator.Options {
	return simulator.Options{Keys: keys, Latency: simulator.Between(8*time.Second, 12*time.Second), Parallel: 40, RequestsPerMinute: 300, Seed: 1}
}

// TestSpendEvensOut has three keys that are all free: they pay alike.
func TestSpendEvensOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := keyOptions(keyA, keyB, keyC)
		o.Parallel = simulator.Unlimited
		n := newKeyNight(t, o, etchings(90), poolOf(entryOf(keyA), entryOf(keyB), entryOf(keyC)))
		n.run().complete(time.Hour)
		for id, entries := range n.paidBy() {
			if jobs := len(entries); jobs < 27 || jobs > 33 {
				t.Errorf("key %s paid for %d of 90 jobs", id, jobs)
			}
		}
		if keys := len(n.paidBy()); keys != 3 {
			t.Errorf("%d keys paid, want 3", keys)
		}
		n.paidOnce()
		n.allStored()
		n.booksAgree(n)
	})
}

// TestRevokedKey revokes a key in the middle, replies being lost all the time.
// Another key of its project brings home what it had started.
func TestRevokedKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newKeyNight(t, keyOptions(keyA, keyB, keyC), etchings(90), poolOf(entryOf(keyA), entryOf(keyB), entryOf(keyC)))
		if err := n.sim.SetFaults(lostReplies(0.3)...); err != nil {
			t.Fatal(err)
		}
		s := n.run()
		n.until("the key has runs under way", time.Minute, func() bool { return len(n.paidBy()["a"]) > 3 })
		if err := n.sim.RevokeKey("a"); err != nil {
			t.Fatal(err)
		}
		revoked := time.Now()
		s.complete(time.Hour)
		if after := acceptedAfter(n.paidBy()["a"], revoked); after > 0 {
			t.Errorf("a key that is revoked started %d runs", after)
		}
		n.paidOnce()
		n.allStored()
		n.booksAgree(n)
	})
}

// TestAllKeysRevoked revokes all keys in the middle: the run ends, and once they are
// valid again another run brings home what is paid.
func TestAllKeysRevoked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newKeyNight(t, keyOptions(keyA, keyB), etchings(60), poolOf(entryOf(keyA), entryOf(keyB)))
		s := n.run()
		n.until("runs are under way", time.Minute, func() bool { return len(n.sim.Ledger()) > 20 })
		for _, id := range []string{"a", "b"} {
			if err := n.sim.RevokeKey(id); err != nil {
				t.Fatal(err)
			}
		}
		if code := s.end(5 * time.Minute); code != exitSomeFailed {
			t.Errorf("code %d", code)
		}
		if end := s.out.summary(); !strings.Contains(end.Reason, "refused") || end.Jobs.Failed > 0 {
			t.Errorf("it ends with %+v", end)
		}
		for _, id := range []string{"a", "b"} {
			if err := n.sim.RestoreKey(id); err != nil {
				t.Fatal(err)
			}
		}
		n.redis.FlushAll() // a person would start it again on another day
		n.run().complete(time.Hour)
		n.paidOnce()
		n.allStored()
		n.booksAgree(n)
	})
}

// TestDrainedKey gives one key an allowance that is soon used up: the others go on
// without it. When the allowance of all is used up, the run says so.
func TestDrainedKey(t *testing.T) {
	t.Parallel()
	drained := keyA
	drained.CUCap = 5 * etchingCU
	synctest.Test(t, func(t *testing.T) {
		n := newKeyNight(t, keyOptions(drained, keyB, keyC), etchings(60), poolOf(entryOf(drained), entryOf(keyB), entryOf(keyC)))
		refused := n.refusals()
		n.run().complete(time.Hour)
		if jobs := len(n.paidBy()["a"]); jobs != 5 {
			t.Errorf("the drained key paid for %d jobs, its allowance is enough for 5", jobs)
		}
		if refused() > 20 {
			t.Errorf("%d submissions were refused before the key was left alone", refused())
		}
		n.paidOnce()
		n.allStored()
		n.booksAgree(n)
	})
	synctest.Test(t, func(t *testing.T) {
		n := newKeyNight(t, keyOptions(drained), etchings(60), poolOf(entryOf(drained)))
		s := n.run()
		if code := s.end(time.Hour); code != exitSomeFailed {
			t.Errorf("code %d", code)
		}
		if end := s.out.summary(); end.Outcome != "blocked" || !strings.Contains(end.Hint, "billing period") || end.Jobs.Succeeded != 5 || end.Jobs.Failed != 0 {
			t.Errorf("it ends with %+v", end)
		}
		n.booksAgree(n)
	})
	synctest.Test(t, func(t *testing.T) {
		a, b := keyA, keyB
		a.TeamAllowance, b.TeamAllowance = 10*etchingCU, 10*etchingCU
		n := newKeyNight(t, keyOptions(a, b, keyC), etchings(60), poolOf(entryOf(a), entryOf(b), entryOf(keyC)))
		n.run().complete(time.Hour)
		if by := n.paidBy(); len(by["a"])+len(by["b"]) != 10 {
			t.Errorf("the drained team paid for %d jobs, its allowance is enough for 10", len(by["a"])+len(by["b"]))
		}
		n.paidOnce()
		n.booksAgree(n)
	})
}

// TestCooldown has the provider demand a pause of 45 minutes from one team. The
// other goes on; alone, the run waits to the second, and so does the next one.
func TestCooldown(t *testing.T) {
	t.Parallel()
	pause := []simulator.Fault{{Kind: simulator.FaultCooldown, Next: 1, Seconds: 2700}}
	synctest.Test(t, func(t *testing.T) {
		n := newKeyNight(t, keyOptions(keyA, keyC), etchings(60), poolOf(entryOf(keyA), entryOf(keyC)))
		if err := n.sim.SetFaults(pause...); err != nil {
			t.Fatal(err)
		}
		n.run().complete(10 * time.Minute)
		if keys := len(n.paidBy()); keys != 1 {
			t.Errorf("%d keys paid though one was to pause", keys)
		}
		n.paidOnce()
		n.booksAgree(n)
	})
	synctest.Test(t, func(t *testing.T) {
		n := newKeyNight(t, keyOptions(keyA), etchings(20), poolOf(entryOf(keyA)))
		if err := n.sim.SetFaults(pause...); err != nil {
			t.Fatal(err)
		}
		var demanded, again time.Time
		n.wire.rig(func(_ *paidRequest, next func() (*http.Response, error)) (*http.Response, error) {
			response, err := next()
			switch {
			case demanded.IsZero():
				demanded = time.Now()
			case again.IsZero() && time.Since(demanded) > time.Minute: // what was on the wire is refused, too
				again = time.Now()
			}
			return response, err
		})
		s := n.run()
		n.until("it says that it waits", time.Minute, func() bool { return s.out.waitedFor(job.WaitCooldown) != nil })
		over := demanded.Add(2700 * time.Second)
		if wait := s.out.waitedFor(job.WaitCooldown); wait.Until.Sub(over).Abs() > time.Second {
			t.Errorf("asked at %s to wait 2700 s it waits for %+v", demanded, wait)
		}
		s.interrupt() // Redis stays, and with it the pause
		n.passUntil(over.Add(-30 * time.Second))
		n.run().complete(10 * time.Minute)
		if again.Before(over) || again.After(over.Add(35*time.Second)) {
			t.Errorf("the pause was over at %s, and the next submission came at %s", over, again)
		}
		n.paidOnce()
	})
}

// TestKeysThatMayNot has keys that may not start jobs, may not see them, or are of the
// other mode. Only the first is worked around: a key that cannot see what it starts is
// refused before anything is paid.
func TestKeysThatMayNot(t *testing.T) {
	t.Parallel()
	mute, blind, live := keyA, keyA, keyB
	mute.Scopes = []string{"models.read", "jobs.read", "assets.read"}
	blind.Scopes = []string{"models.read", "jobs.write", "assets.read"}
	live.Mode = job.Live
	synctest.Test(t, func(t *testing.T) {
		keys := poolOf(entryOf(mute), strings.Replace(entryOf(live), "mode: test", "mode: live", 1), entryOf(keyC))
		n := newKeyNight(t, keyOptions(mute, live, keyC), etchings(20), keys)
		n.run().complete(time.Hour)
		if by := n.paidBy(); len(by["c"]) != 20 {
			t.Errorf("the one key that may paid for %d jobs of 20", len(by["c"]))
		}
		n.paidOnce()
		n.allStored()
		n.booksAgree(n)
	})
	synctest.Test(t, func(t *testing.T) {
		n := newKeyNight(t, keyOptions(blind, keyC), etchings(20), poolOf(entryOf(blind), entryOf(keyC)))
		s := n.run()
		if code := s.end(time.Minute); code != exitInput || !strings.Contains(s.log.text(), "may not read the list") {
			t.Errorf("code %d: %s", code, s.log.text())
		}
		if paid := len(n.sim.Ledger()); paid > 0 {
			t.Errorf("%d jobs were paid all the same", paid)
		}
	})
}

// refusals counts submissions that were refused.
func (n *night) refusals() func() int {
	refused := 0
	n.wire.rig(func(_ *paidRequest, next func() (*http.Response, error)) (*http.Response, error) {
		response, err := next()
		if err == nil && response.StatusCode >= http.StatusBadRequest {
			refused++
		}
		return response, err
	})
	return func() int {
		n.wire.turn.Lock()
		defer n.wire.turn.Unlock()
		return refused
	}
}
