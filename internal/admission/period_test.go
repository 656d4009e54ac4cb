package admission

import (
	"strconv"
	"testing"
	"time"

	"nightshift/internal/job"
)

// daysOf are the days around a moment in a place, as a caller gives them.
func daysOf(at time.Time, in *time.Location) Starts {
	year, month, d := at.In(in).Date()
	start := func(offset int) time.Time { return time.Date(year, month, d+offset, 0, 0, 0, 0, in) }
	return Starts{start(-1), start(0), start(1)}
}

func monthsOf(at time.Time, in *time.Location) Starts {
	year, month, _ := at.In(in).Date()
	start := func(offset int) time.Time { return time.Date(year, month+time.Month(offset), 1, 0, 0, 0, 0, in) }
	return Starts{start(-1), start(0), start(1)}
}

// daily is key night with a cap of whole CU a day.
func daily(whole job.CU, days Starts) keyed {
	return keyed{Account: night, Key: Limits{CU: Caps{Day: cu(whole)}, Days: days}}
}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	where, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skipf("no time zones here: %v", err)
	}
	return where
}

// A cap is full until the period ends and free from its end on, whatever its length
// is, and even if the caller still speaks of the one before.
func TestPeriodsEnd(t *testing.T) {
	where := berlin(t)
	noon := func(month time.Month, d int) time.Time { return time.Date(2026, month, d, 12, 0, 0, 0, where) }
	cases := []struct {
		name   string
		at     time.Time
		length time.Duration
		starts func(time.Time, *time.Location) Starts
	}{
		{"a day", noon(7, 14), 24 * time.Hour, daysOf},
		{"the day that loses an hour", noon(3, 29), 23 * time.Hour, daysOf},
		{"the day that gains one", noon(10, 25), 25 * time.Hour, daysOf},
		{"a month", noon(6, 14), 30 * 24 * time.Hour, monthsOf},
		{"the month that loses an hour", noon(3, 14), 31*24*time.Hour - time.Hour, monthsOf},
		{"a February", noon(2, 14), 28 * 24 * time.Hour, monthsOf},
	}
	onBoth(t, func(t *testing.T, s server) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				a, starts := s.admission(t), c.starts(c.at, where)
				if got := starts[2].Sub(starts[1]); got != c.length {
					t.Fatalf("the period lasts %s, want %s", got, c.length)
				}
				on := daily(10, starts)
				if c.length > 48*time.Hour {
					on.Key = Limits{CU: Caps{Month: cu(10)}, Months: starts}
				}
				s.clock.set(starts[1].Add(-time.Millisecond))
				mustSpend(t, a, "yesterday", 10, on)
				s.clock.set(starts[1])
				mustSpend(t, a, "first", 6, on)
				s.clock.set(c.at)
				if got, want := refused(t, a, claim("next", 5, on), job.WaitKeyCU).After, starts[2].Sub(c.at); got != want {
					t.Errorf("got a wait of %s, want %s", got, want)
				}
				s.clock.set(starts[2].Add(-time.Millisecond))
				if got := refused(t, a, claim("next", 5, on), job.WaitKeyCU).After; got != time.Millisecond {
					t.Errorf("got a wait of %s, want the last millisecond", got)
				}
				s.clock.set(starts[2])
				mustSpend(t, a, "next", 9, on)
				if u := usage(t, a, on).Key; u.Spent != 25000 || max(u.SpentToday, u.SpentThis) < 9000 || !u.DayEnds.After(s.clock.time()) {
					t.Errorf("got %+v, want 25 CU in all and 9 in the new period", u)
				}
				refused(t, a, claim("last", 2, on), job.WaitKeyCU)
			})
		}
	})
}

// What is reserved counts in every period until it is settled, and then in that for
// which it was reserved.
func TestGrantOverMidnight(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a, midnight := s.admission(t), time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
		on := daily(10, daysOf(midnight, time.UTC))
		on.Key.Months = monthsOf(midnight, time.UTC)
		s.clock.set(midnight.Add(-time.Second))
		mustReserve(t, a, claim("old", 6, on))
		s.clock.set(midnight.Add(time.Minute))
		if got := refused(t, a, claim("new", 5, on), job.WaitKeyCU).After; got != pollAfter {
			t.Errorf("got a wait of %s, want to hear soon of what comes back", got)
		}
		mustSettle(t, a, "old", night, 6)
		if u := usage(t, a, on).Key; u.SpentToday != 0 || u.SpentThis != 0 || u.Spent != 6000 {
			t.Errorf("got %+v, want 6 CU spent yesterday, last month", u)
		}
		mustReserve(t, a, claim("new", 10, on))
		s.clock.set(midnight.Add(-time.Second)) // the clock of another server is late
		refused(t, a, claim("late", 1, on), job.WaitKeyCU)
	})
}

// A place in the request rate may lie on the next day, and so does the spend then;
// asked again, a grant is charged when it may be sent.
func TestChargedWhenSent(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a, midnight := s.admission(t), time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
		on := daily(100, daysOf(midnight, time.UTC))
		on.Project = Limits{RequestsPerMinute: 1}
		s.clock.set(midnight.Add(-56 * time.Second))
		mustSpend(t, a, "first", 1, on)
		s.clock.set(midnight.Add(-2 * time.Second))
		if got := mustReserve(t, a, claim("ahead", 2, on)).After; got < 2*time.Second {
			t.Fatalf("got a place in %s, want one after midnight", got)
		}
		mustReserve(t, a, claim("again", 4, daily(100, on.Key.Days)))
		mustReserve(t, a, claim("ended", 8, daily(100, on.Key.Days)))
		mustDo(t, a.Free(t.Context(), Attempt{ref("ended"), 1, night}))
		s.clock.set(midnight.Add(time.Hour))
		for _, id := range []job.ID{"again", "ended"} {
			if !mustReserve(t, a, claim(id, 4, on)).Again {
				t.Fatal("granted twice")
			}
		}
		for id, price := range map[job.ID]job.CU{"ahead": 2, "again": 4, "ended": 8} {
			mustSettle(t, a, id, night, price)
		}
		if got := usage(t, a, on).Key.SpentToday; got != 6000 {
			t.Errorf("got %s CU today, want 2 and 4: the 8 ran yesterday", got)
		}
	})
}

// Another time zone takes effect in the middle of a day, with what was spent.
func TestAnotherTimeZone(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a, noon := s.admission(t), time.Date(2026, 5, 10, 12, 0, 0, 0, time.UTC)
		zone := func(hours int) keyed { // midnight was so many hours ago
			start := noon.Add(-time.Duration(hours) * time.Hour)
			return daily(100, Starts{start.Add(-24 * time.Hour), start, start.Add(24 * time.Hour)})
		}
		for hour := range 20 { // 1 CU an hour, the first 19 hours ago
			s.clock.set(noon.Add(time.Duration(hour-19) * time.Hour))
			mustSpend(t, a, job.ID(strconv.Itoa(hour)), 1, zone(12))
		}
		for _, hours := range []int{12, 4, 18, 12, 1, 23} {
			if got, want := usage(t, a, zone(hours)).Key.SpentToday, job.CU(min(hours+1, 20))*job.OneCU; got != want {
				t.Errorf("midnight %d hours ago: got %s CU spent since, want %s", hours, got, want)
			}
		}
		mustSpend(t, a, "more", 7, zone(4))
		for hours, want := range map[int]job.CU{12: 20000, 4: 12000, 18: 26000} {
			if got := usage(t, a, zone(hours)).Key.SpentToday; got != want {
				t.Errorf("midnight %d hours ago: got %s CU after one more job, want %s", hours, got, want)
			}
		}
	})
}

// A caller whose clock is days off has caps all the same.
func TestCallersClockIsOff(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		now := time.Date(2026, 5, 10, 12, 0, 0, 0, time.UTC)
		s.clock.set(now)
		for _, days := range []int{-40, -3, -2, 2, 3, 40} {
			a := New(Options{Redis: s.client, Prefix: t.Name() + strconv.Itoa(days)})
			mustDo(t, a.Begin(t.Context()))
			mustDo(t, a.Ready(t.Context()))
			on := daily(10, daysOf(now.AddDate(0, 0, days), time.UTC))
			mustSpend(t, a, "first", 6, on)
			if got := refused(t, a, claim("next", 5, on), job.WaitKeyCU).After; got != 12*time.Hour {
				t.Errorf("%d days off: got a wait of %s, want the day's end", days, got)
			}
		}
	})
}
