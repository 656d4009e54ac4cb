package admission

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
)

func limited(parallel int) keyed {
	return keyed{Account: night, Team: Limits{Parallel: parallel}}
}

// fill reserves until the team is full and returns how many run then.
func fill(t *testing.T, a *Admission, on keyed, name string) int {
	t.Helper()
	for i := range 50 {
		_, err := a.Reserve(t.Context(), claim(job.ID(name+strconv.Itoa(i)), 0, on))
		if err != nil {
			mustWait(t, err, job.WaitParallel)
			return usage(t, a, on).Team.Running
		}
	}
	t.Fatal("the team is never full")
	return 0
}

func TestLearnCeiling(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a, configured := s.admission(t), limited(4)
		learn := func(said, want int) {
			t.Helper()
			mustDo(t, a.LearnCeiling(t.Context(), night, said))
			if got := usage(t, a, configured).Team.Ceiling; got != want {
				t.Errorf("told %d: got ceiling %d, want %d", said, got, want)
			}
		}
		for _, id := range []job.ID{"a", "b", "c"} {
			mustReserve(t, a, claim(id, 1, configured))
		}
		learn(0, 3)
		refused(t, a, claim("d", 1, configured), job.WaitParallel)
		learn(0, 2) // refused at 3 too
		learn(0, 1)
		learn(0, 1) // never less
		learn(9, 4) // the configured one is lower
		learn(2, 2)
		if got := usage(t, a, free).Team.Ceiling; got != 2 {
			t.Errorf("without a configured ceiling: got %d, want the learned 2", got)
		}
		other := keyed{Account: Account{APIKey: "dusk", Project: "levels", Team: "art"}}
		if got := refused(t, a, claim("d", 1, other), job.WaitParallel).Detail; got != "3 of 2 running of team art" {
			t.Errorf("another key of the team: got %q", got)
		}
		mustReserve(t, a, claim("d", 1, keyed{Account: day}))
	})
}

// One more than was learned is tried once the time has come and the team is full;
// refused, the old ceiling stands again for as long.
func TestCeilingIsProbed(t *testing.T) {
	cases := []struct {
		name  string
		said  int
		every time.Duration
	}{
		{"said", 3, probeAfter},
		{"guessed", 0, probeGuess},
	}
	onBoth(t, func(t *testing.T, s server) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				a := s.admission(t)
				for i := range 3 {
					mustReserve(t, a, claim(job.ID(strconv.Itoa(i)), 0, free))
				}
				mustDo(t, a.LearnCeiling(t.Context(), night, c.said))
				s.clock.move(c.every - time.Millisecond)
				refused(t, a, claim("early", 0, free), job.WaitParallel)
				s.clock.move(time.Millisecond)
				if got := usage(t, a, free).Team.Ceiling; got != 3 {
					t.Errorf("got %d before anyone asked for more, want 3", got)
				}
				if got := fill(t, a, free, "probe"); got != 4 {
					t.Fatalf("got %d running, want one more", got)
				}
				mustDo(t, a.LearnCeiling(t.Context(), night, c.said)) // the provider refused it
				mustDo(t, a.Release(t.Context(), ref("probe0"), 1, night))
				if got := fill(t, a, free, "again"); got != 3 {
					t.Errorf("got %d running after the refusal, want 3", got)
				}
				for want := 4; want <= 6; want++ { // a better plan
					s.clock.move(c.every)
					if got := fill(t, a, free, "plan"+strconv.Itoa(want)); got != want {
						t.Errorf("got %d running, want %d", got, want)
					}
				}
			})
		}
	})
}

// Nothing is tried while fewer run than may, and never more than is configured.
func TestCeilingIsNotProbed(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a, configured := s.admission(t), limited(3)
		mustDo(t, a.LearnCeiling(t.Context(), night, 3))
		mustReserve(t, a, claim("first", 0, free))
		s.clock.move(2 * probeAfter)
		mustReserve(t, a, claim("second", 0, free))
		if got := usage(t, a, free).Team.Ceiling; got != 3 {
			t.Errorf("got ceiling %d with room to spare, want 3", got)
		}
		if got := fill(t, a, configured, "third"); got != 3 {
			t.Errorf("got %d running, want the 3 that are configured", got)
		}
		for i := range 3 { // found running, past the ceiling
			mustDo(t, a.Adopt(t.Context(), ref(job.ID(strconv.Itoa(i))), 1, night, 0, time.Time{}))
		}
		refused(t, a, claim("fourth", 0, free), job.WaitParallel)
	})
}

// Learning is the same before and after the refused job's slot is given back,
// except for a first guess, which the next refusal corrects.
func TestGuessBeforeAndAfterRelease(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]bool{"before": true, "after": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := emulated(t)
			refusedAt := func(running int) {
				id := job.ID("refused" + strconv.Itoa(running))
				mustReserve(t, a, claim(id, 0, free))
				if before {
					mustDo(t, a.LearnCeiling(t.Context(), night, 0))
				}
				mustDo(t, a.Release(t.Context(), ref(id), 1, night))
				if !before {
					mustDo(t, a.LearnCeiling(t.Context(), night, 0))
				}
			}
			for _, id := range []job.ID{"a", "b"} {
				mustReserve(t, a, claim(id, 0, free))
			}
			refusedAt(2)
			if before {
				refusedAt(2)
			}
			refused(t, a, claim("c", 0, free), job.WaitParallel)
			if got := usage(t, a, free).Team.Ceiling; got != 2 {
				t.Errorf("got ceiling %d, want the 2 that run", got)
			}
		})
	}
}

// A ceiling is believed for a week without news.
func TestCeilingIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := emulated(t)
		mustDo(t, a.LearnCeiling(t.Context(), night, 7))
		time.Sleep(ceilingKept - time.Second)
		if got := usage(t, a, free).Team.Ceiling; got != 7 {
			t.Errorf("got ceiling %d, want 7 still", got)
		}
		time.Sleep(2 * time.Second)
		if got := usage(t, a, free).Team.Ceiling; got != 0 {
			t.Errorf("got ceiling %d, want it forgotten", got)
		}
	})
}
