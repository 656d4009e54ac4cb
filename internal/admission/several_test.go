package admission

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/longtest"
)

var (
	duskKey  = keyed{Account: Account{APIKey: "dusk", Project: "icons", Team: "art"}}
	dayKey   = keyed{Account: day}
	nightKey = keyed{Account: night}
)

// A key on which nothing is granted now is passed over, whatever holds it.
func TestKeyIsPassedOver(t *testing.T) {
	hold := func(reason job.WaitReason) func(*testing.T, *Admission, *keyed) {
		return func(t *testing.T, a *Admission, c *keyed) {
			mustDo(t, a.Cooldown(t.Context(), c.Account, reason, false, time.Hour))
		}
	}
	cases := map[string]func(*testing.T, *Admission, *keyed){
		"drained":     hold(job.WaitAllowance),
		"cooled down": hold(job.WaitCooldown),
		"quarantined": hold(job.WaitQuarantine),
		"failing":     hold(job.WaitBackoff),
		"project's rate paused": func(t *testing.T, a *Admission, c *keyed) {
			mustDo(t, a.Cooldown(t.Context(), c.Account, job.WaitRequestRate, false, time.Hour))
		},
		"full": func(t *testing.T, a *Admission, c *keyed) {
			c.Key.Parallel = 1
			mustReserve(t, a, claim("running", 1, *c))
		},
		"team full": func(t *testing.T, a *Admission, c *keyed) {
			mustReserve(t, a, claim("running", 1, *c))
			mustDo(t, a.LearnCeiling(t.Context(), c.Account, 1))
		},
		"cap reached":       func(_ *testing.T, _ *Admission, c *keyed) { c.Key.CU.Total = cu(4) },
		"project's reached": func(_ *testing.T, _ *Admission, c *keyed) { c.Project.CU.Day = cu(4) },
		"team's reached":    func(_ *testing.T, _ *Admission, c *keyed) { c.Team.CU.Month = cu(4) },
		"no place for long": func(t *testing.T, a *Admission, c *keyed) {
			c.Key.RequestsPerMinute = 1
			mustDo(t, a.Request(t.Context(), c.candidate()))
		},
	}
	onBoth(t, func(t *testing.T, s server) {
		for name, disable := range cases {
			t.Run(name, func(t *testing.T) {
				a, first := s.admission(t), nightKey
				mustSpend(t, a, "before", 1, dayKey) // so that the first is preferred
				disable(t, a, &first)
				for i, candidates := range [][]keyed{{first, dayKey}, {dayKey, first}} {
					got := mustReserve(t, a, claim(job.ID(strconv.Itoa(i)), 5, candidates...))
					if got.Account != day {
						t.Errorf("granted on %+v, want the other key", got.Account)
					}
				}
			})
		}
	})
}

// Of keys that are free, the one with the earliest place is taken, then the one
// that has spent or holds least today.
func TestWhichKeyIsTaken(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a := s.admission(t)
		slow := nightKey
		slow.Key.RequestsPerMinute = 1
		mustDo(t, a.Request(t.Context(), slow.candidate()))
		s.clock.move(55 * time.Second)
		mustSpend(t, a, "dear", 100, dayKey)
		if got := mustReserve(t, a, claim("now", 1, slow, dayKey)); got.Account != day || got.After != 0 {
			t.Errorf("got %+v, want the dear key, since it may be sent with now", got)
		}
		got := mustReserve(t, a, claim("soon", 1, slow))
		within(t, got.After, 6250*time.Millisecond, 250*time.Millisecond)
		if got := mustReserve(t, a, claim("cheap", 5, dayKey, nightKey, duskKey)); got.Account != duskKey.Account {
			t.Errorf("got %+v, want the key that spent nothing", got.Account)
		}
		if got := mustReserve(t, a, claim("held", 1, dayKey, duskKey, nightKey)); got.Account != night {
			t.Errorf("got %+v, want the key that holds 1 CU and not the one that holds 5", got.Account)
		}
	})
}

// Yesterday's spend does not decide.
func TestOnlyTodayDecides(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a := s.admission(t)
		today := utcDays(time.Now())[1]
		mustDo(t, a.Seed(t.Context(), night, "potions", today.Add(-time.Hour), 100*job.OneCU))
		mustDo(t, a.Seed(t.Context(), day, "potions", today, job.OneCU))
		if got := mustReserve(t, a, claim("a", 1, dayKey, nightKey)); got.Account != night {
			t.Errorf("got %+v, want the key that spent nothing today", got.Account)
		}
	})
}

// The wait that is told is that of the key that is free the soonest, in its words; a
// wait that time ends comes before one that it does not.
func TestSoonestWait(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a := s.admission(t)
		for on, d := range map[Account]time.Duration{night: time.Hour, day: 45 * time.Minute, duskKey.Account: 2 * time.Hour} {
			mustDo(t, a.Cooldown(t.Context(), on, job.WaitCooldown, false, d))
		}
		wait := refused(t, a, claim("a", 5, nightKey, dayKey, duskKey), job.WaitCooldown)
		if want := "key day pauses until " + clock(s.clock.time().Add(45*time.Minute).UnixMilli()); wait.After != 45*time.Minute || wait.Detail != want {
			t.Errorf("got %s, %q, want %q", wait.After, wait.Detail, want)
		}
		spent := dayKey
		spent.Key.CU.Total = cu(4)
		if wait := refused(t, a, claim("a", 5, spent, nightKey), job.WaitCooldown); wait.After != time.Hour || wait.NeedsOperator {
			t.Errorf("got %+v, want the hour of the other key", wait)
		}
		if wait := refused(t, a, claim("a", 5, spent), job.WaitKeyCU); !wait.NeedsOperator {
			t.Errorf("got %+v, want to wait for a person", wait)
		}
	})
}

// Jobs of random price on three keys: what they spent differs by one job at most.
func TestSpendEvensOut(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a, random := s.admission(t), rand.New(rand.NewPCG(3, 1))
		candidates, spent := []keyed{nightKey, dayKey, duskKey}, map[string]job.CU{}
		dearest := job.CU(0)
		for i := range longtest.Times(90, 300) {
			random.Shuffle(3, func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
			c := claim(job.ID(strconv.Itoa(i)), 0, candidates...)
			c.Amount = 1 + job.CU(random.IntN(20000))
			dearest = max(dearest, c.Amount)
			in := mustReserve(t, a, c).Account
			if i%2 == 0 {
				mustDo(t, a.Settle(t.Context(), c.Ref, 1, in, c.Amount, 0))
			}
			spent[in.APIKey] += c.Amount
		}
		least, most := min(spent["night"], spent["day"], spent["dusk"]), max(spent["night"], spent["day"], spent["dusk"])
		if most-least > dearest {
			t.Errorf("got %v, want a spread of %s CU at most", spent, dearest)
		}
	})
}

// Of many keys only some are compared for each job. They are used about alike all the
// same, and one that alone is free is always found.
func TestManyKeysAreUsedAlike(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a, keys := s.admission(t), make([]keyed, longtest.Times(24, 40))
		jobs := 10 * len(keys)
		for i := range keys {
			keys[i] = keyed{Account: Account{APIKey: strconv.Itoa(i), Project: "icons", Team: "art"}, Key: Limits{Parallel: 12}}
		}
		used := make(map[string]int)
		for i := range jobs {
			s.clock.move(7 * time.Millisecond)
			used[mustReserve(t, a, claim(job.ID(strconv.Itoa(i)), 1, keys...)).Account.APIKey]++
		}
		for key, has := range used {
			if has < 8 || has > 12 || len(used) != len(keys) {
				t.Errorf("key %s has %d jobs of %d on %d keys", key, has, jobs, len(used))
			}
		}
		for i := jobs; i < jobs+2*len(keys); i++ {
			s.clock.move(7 * time.Millisecond)
			mustReserve(t, a, claim(job.ID(strconv.Itoa(i)), 1, keys...)) // until all are full
		}
		_, err := a.Reserve(t.Context(), claim("none", 1, keys...))
		mustWait(t, err, job.WaitParallel)
	})
}
