package admission

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"nightshift/internal/job"
)

// fieldsOf counts the fields of the account of key night that begin so.
func fieldsOf(t *testing.T, a *Admission, prefix string) (n int) {
	t.Helper()
	fields, err := a.redis.HKeys(t.Context(), a.keys.counter("cu", Key, "night")).Result()
	mustDo(t, err)
	for _, field := range fields {
		if strings.HasPrefix(field, prefix) {
			n++
		}
	}
	return n
}

// Quarters of an hour are forgotten after 70 days; what was spent in all is not.
func TestQuartersAreForgotten(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a, start := s.admission(t), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		on := func() keyed { return daily(1000, daysOf(s.clock.time(), time.UTC)) }
		for d := range 100 {
			s.clock.set(start.AddDate(0, 0, d))
			mustDo(t, a.Seed(t.Context(), night, "potions", s.clock.time(), job.OneCU))
			usage(t, a, on())
		}
		if got := fieldsOf(t, a, "q:"); got < 70 || got > 72 {
			t.Errorf("got %d quarters of 100 days, want those of the last 70", got)
		}
		if u := usage(t, a, on()).Key; u.Spent != 100*job.OneCU || u.SpentToday != job.OneCU {
			t.Errorf("got %+v, want 100 CU in all and 1 today", u)
		}
	})
}

// However many starts are asked for, few are remembered, and each answer is right.
func TestManyStarts(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a, noon := s.admission(t), time.Date(2026, 5, 10, 12, 0, 0, 0, time.UTC)
		for quarter := range 90 {
			s.clock.set(noon.Add(time.Duration(quarter-90) * 15 * time.Minute))
			mustDo(t, a.Seed(t.Context(), night, "potions", s.clock.time(), job.OneCU))
		}
		s.clock.set(noon)
		for round := range 3 {
			for quarters := range 90 {
				start := noon.Add(-time.Duration(quarters) * 15 * time.Minute)
				on := daily(1000, Starts{start.Add(-24 * time.Hour), start, start.Add(24 * time.Hour)})
				on.Key.Months = Starts{start.Add(-24 * time.Hour), start, start.Add(24 * time.Hour)}
				want := job.CU(quarters+round) * job.OneCU
				if u := usage(t, a, on).Key; u.SpentToday != want || u.SpentThis != want {
					t.Fatalf("since %d quarters ago: got %s and %s CU, want %s", quarters, u.SpentToday, u.SpentThis, want)
				}
			}
			if got := fieldsOf(t, a, "since:"); got > 9 {
				t.Errorf("got %d starts remembered, want 9 at most", got)
			}
			mustSpend(t, a, job.ID("round"+strconv.Itoa(round)), 1, free)
		}
	})
}

// Looking at what nobody uses leaves nothing in Redis.
func TestUsageMakesNoAccount(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a := s.admission(t)
		usage(t, a, daily(10, Starts{}))
		refused(t, a, claim("a", 11, daily(10, Starts{})), job.WaitKeyCU)
		got, err := a.redis.Keys(t.Context(), "*"+t.Name()+"*").Result()
		if err != nil || len(got) != 2 {
			t.Errorf("got %q (%v), want the keys of the epoch only", got, err)
		}
	})
}
