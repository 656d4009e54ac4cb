package admission

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
)

// capped are limits of CU.
func capped(total, day, month *job.CU) Limits {
	return Limits{CU: Caps{Total: total, Day: day, Month: month}}
}

// Each limit makes the next job wait, with its reason, words and time.
func TestWaits(t *testing.T) {
	const minuteAtMost, bucket = 61250 * time.Millisecond, 250 * time.Millisecond
	key := func(l Limits) keyed { return keyed{Account: night, Key: l} }
	project := func(l Limits) keyed { return keyed{Account: night, Project: l} }
	team := func(l Limits) keyed { return keyed{Account: night, Team: l} }
	cases := []struct {
		name    string
		on      keyed
		batch   Limits
		reason  job.WaitReason
		detail  string
		longest time.Duration // After is at most this,
		slack   time.Duration // and at least this much less
	}{
		{"requests of the key", key(Limits{RequestsPerMinute: 1}), Limits{}, job.WaitRequestRate,
			"1 of 1 requests of key night in this minute", minuteAtMost, bucket},
		{"requests of the project", project(Limits{RequestsPerMinute: 1}), Limits{}, job.WaitRequestRate,
			"1 of 1 requests of project icons in this minute", minuteAtMost, bucket},
		{"submits", project(Limits{RequestsPerMinute: 10, ReadReserve: 9}), Limits{}, job.WaitRequestRate,
			"1 of 1 requests of project icons in this minute", minuteAtMost, bucket},
		{"slots of the key", key(Limits{Parallel: 1}), Limits{}, job.WaitParallel, "1 of 1 running of key night", pollAfter, 0},
		{"slots of the team", team(Limits{Parallel: 1}), Limits{}, job.WaitParallel, "1 of 1 running of team art", pollAfter, 0},
		{"key's total", key(capped(cu(19), nil, nil)), Limits{}, job.WaitKeyCU,
			"cap of key night, 19 CU: 10 spent or reserved, this job needs 10", pollAfter, 0},
		{"key's day", key(capped(nil, cu(19), nil)), Limits{}, job.WaitKeyCU,
			"cap of key night, 19 CU a day: 10 spent or reserved, this job needs 10", pollAfter, 0},
		{"key's month", key(capped(nil, nil, cu(19))), Limits{}, job.WaitKeyCU,
			"cap of key night, 19 CU a month: 10 spent or reserved, this job needs 10", pollAfter, 0},
		{"project's total", project(capped(cu(19), nil, nil)), Limits{}, job.WaitProjectCU,
			"cap of project icons, 19 CU: 10 spent or reserved, this job needs 10", pollAfter, 0},
		{"project's month", project(capped(nil, nil, cu(19))), Limits{}, job.WaitProjectCU,
			"cap of project icons, 19 CU a month: 10 spent or reserved, this job needs 10", pollAfter, 0},
		{"team's day", team(capped(nil, cu(19), nil)), Limits{}, job.WaitTeamCU,
			"cap of team art, 19 CU a day: 10 spent or reserved, this job needs 10", pollAfter, 0},
		{"batch's total", free, capped(cu(19), nil, nil), job.WaitBatchCU,
			"budget of batch potions, 19 CU: 10 spent or reserved, this job needs 10", pollAfter, 0},
		{"batch's day", free, capped(nil, cu(19), nil), job.WaitBatchCU,
			"budget of batch potions, 19 CU a day: 10 spent or reserved, this job needs 10", pollAfter, 0},
		{"batch before key", key(capped(cu(10), nil, nil)), capped(cu(19), nil, nil), job.WaitBatchCU,
			"budget of batch potions, 19 CU: 10 spent or reserved, this job needs 10", pollAfter, 0},
		{"the longest", keyed{Account: night, Team: Limits{Parallel: 1}, Key: Limits{RequestsPerMinute: 1}}, capped(cu(19), nil, nil),
			job.WaitRequestRate, "1 of 1 requests of key night in this minute", minuteAtMost, bucket},
	}
	onBoth(t, func(t *testing.T, s server) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				a := s.admission(t)
				first, second := claim("first", 10, c.on), claim("second", 10, c.on)
				first.Batch, second.Batch = c.batch, c.batch
				mustReserve(t, a, first)
				before := usage(t, a, c.on)
				wait := refused(t, a, second, c.reason)
				if wait.Detail != c.detail || wait.NeedsOperator {
					t.Errorf("got %q, endless %t, want %q", wait.Detail, wait.NeedsOperator, c.detail)
				}
				within(t, wait.After, c.longest, c.slack)
				if diff := cmp.Diff(before, usage(t, a, c.on)); diff != "" {
					t.Errorf("a refused claim took something (-before +after):\n%s", diff)
				}
			})
		}
	})
}

// A cap that is spent up, and an amount above a cap: which of them time ends, and
// when.
func TestSpentUp(t *testing.T) {
	noon := time.Date(2026, 7, 14, 12, 0, 0, 0, time.UTC)
	starts := func(l Limits) Limits {
		l.Days = Starts{noon.Add(-36 * time.Hour), noon.Add(-12 * time.Hour), noon.Add(12 * time.Hour)}
		l.Months = Starts{noon.AddDate(0, 0, -44), noon.AddDate(0, 0, -13).Add(-12 * time.Hour), noon.AddDate(0, 0, 17)}
		return l
	}
	cases := []struct {
		name    string
		caps    Limits
		spent   job.CU
		endless bool
		after   time.Duration
	}{
		{"total", capped(cu(20), nil, nil), 11, true, stuckAfter},
		{"day", capped(nil, cu(20), nil), 11, false, 12 * time.Hour},
		{"month", capped(nil, nil, cu(20)), 11, false, 17 * 24 * time.Hour},
		{"day and month", capped(nil, cu(20), cu(20)), 11, false, 17 * 24 * time.Hour},
		{"day and total", capped(cu(20), cu(20), nil), 11, true, stuckAfter},
		{"more than a total", capped(cu(9), nil, nil), 0, true, stuckAfter},
		{"more than a day", capped(nil, cu(9), nil), 0, true, stuckAfter},
		{"more than a month", capped(nil, nil, cu(9)), 0, true, stuckAfter},
		{"a total of nothing", capped(cu(0), nil, nil), 0, true, stuckAfter},
	}
	scopes := map[job.WaitReason]func(Limits) (keyed, Limits){
		job.WaitKeyCU:     func(l Limits) (keyed, Limits) { return keyed{Account: night, Key: l}, Limits{} },
		job.WaitProjectCU: func(l Limits) (keyed, Limits) { return keyed{Account: night, Project: l}, Limits{} },
		job.WaitTeamCU:    func(l Limits) (keyed, Limits) { return keyed{Account: night, Team: l}, Limits{} },
		job.WaitBatchCU:   func(l Limits) (keyed, Limits) { return free, l },
	}
	onBoth(t, func(t *testing.T, s server) {
		s.clock.set(noon)
		for _, c := range cases {
			for reason, limit := range scopes {
				t.Run(c.name+" "+string(reason), func(t *testing.T) {
					a := s.admission(t)
					mustSpend(t, a, "before", c.spent, free)
					on, batch := limit(starts(c.caps))
					next := claim("next", 10, on)
					next.Batch = batch
					wait := refused(t, a, next, reason)
					if wait.NeedsOperator != c.endless || wait.After != c.after {
						t.Errorf("got %s, endless %t, want %s, %t", wait.After, wait.NeedsOperator, c.after, c.endless)
					}
				})
			}
		}
	})
}

// A wait that only a person ends outlasts every other, and a job that still fits
// passes by.
func TestEndlessOutlasts(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a := s.admission(t)
		mustSpend(t, a, "first", 490, free)
		next := claim("second", 0, keyed{Account: night, Key: Limits{RequestsPerMinute: 2}})
		next.Amount, next.Batch = 10750, capped(cu(500), nil, nil)
		mustDo(t, a.Request(t.Context(), next.Candidates[0]))
		wait := refused(t, a, next, job.WaitBatchCU)
		want := "budget of batch potions, 500 CU: 490 spent or reserved, this job needs 10.75"
		if wait.Detail != want || !wait.NeedsOperator {
			t.Errorf("got %q, endless %t, want %q for ever", wait.Detail, wait.NeedsOperator, want)
		}
		cheap := claim("third", 10, free)
		cheap.Batch = next.Batch
		mustReserve(t, a, cheap)
	})
}

func TestLimitsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	now := time.Now()
	cases := []struct {
		name   string
		limits Limits
		want   string
	}{
		{"reserve takes all", Limits{RequestsPerMinute: 10, ReadReserve: 10}, "a read reserve of 10 leaves none of 10 requests a minute for submits"},
		{"negative", Limits{Parallel: -1}, "limits must not be negative"},
		{"order", Limits{Days: Starts{now, now, now.Add(time.Hour)}}, "the starts of periods are not in order"},
	}
	a := emulated(t)
	for _, c := range cases {
		for _, on := range []keyed{{Key: c.limits}, {Project: c.limits}, {Team: c.limits}} {
			_, err := a.Reserve(t.Context(), claim("a", 1, on))
			if err == nil || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("%s: got %v, want it to end in %q", c.name, err, c.want)
			}
		}
		if err := a.Request(t.Context(), keyed{Key: c.limits}.candidate()); err == nil {
			t.Errorf("%s: a request was granted", c.name)
		}
	}
	if _, err := a.Reserve(t.Context(), claim("a", 1)); err == nil {
		t.Error("granted without a candidate")
	}
}
