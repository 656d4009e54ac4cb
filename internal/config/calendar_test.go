package config

import (
	"math/rand/v2"
	"testing"
	"time"
)

func zoneOf(tb testing.TB, name string) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return zone
}

// instant reads a time such as 2026-03-29T12:00:00+02:00.
func instant(tb testing.TB, written string) time.Time {
	tb.Helper()
	at, err := time.Parse(time.RFC3339, written)
	if err != nil {
		tb.Fatal(err)
	}
	return at
}

func TestDay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, zone, at, start, end string }{
		{"UTC", "UTC", "2026-05-03T23:59:59Z", "2026-05-03T00:00:00Z", "2026-05-04T00:00:00Z"},
		{"at its start", "UTC", "2026-05-03T00:00:00Z", "2026-05-03T00:00:00Z", "2026-05-04T00:00:00Z"},
		{"another day than in UTC", "Europe/Paris", "2026-05-03T22:30:00Z", "2026-05-04T00:00:00+02:00", "2026-05-05T00:00:00+02:00"},
		{"23 hours", "Europe/Paris", "2026-03-29T12:00:00+02:00", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"},
		{"25 hours", "Europe/Paris", "2026-10-25T12:00:00+01:00", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"},
		{"no midnight", "America/Sao_Paulo", "2018-11-04T12:00:00-02:00", "2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"},
		{"no midnight at its end", "America/Sao_Paulo", "2018-11-03T23:59:59-03:00", "2018-11-03T00:00:00-03:00", "2018-11-04T01:00:00-02:00"},
		{"no midnight in Cairo", "Africa/Cairo", "2024-04-26T01:00:00+03:00", "2024-04-26T01:00:00+03:00", "2024-04-27T00:00:00+03:00"},
		{"last hour twice", "America/Sao_Paulo", "2018-02-17T23:30:00-03:00", "2018-02-17T00:00:00-02:00", "2018-02-18T00:00:00-03:00"},
		{"midnight twice", "America/St_Johns", "2010-11-06T23:30:00-03:30", "2010-11-07T00:00:00-02:30", "2010-11-08T00:00:00-03:30"},
		{"before midnight comes twice", "America/St_Johns", "2010-11-06T23:30:00-02:30", "2010-11-06T00:00:00-02:30", "2010-11-07T00:00:00-02:30"},
		{"half an hour", "Australia/Lord_Howe", "2026-10-04T12:00:00+11:00", "2026-10-04T00:00:00+10:30", "2026-10-05T00:00:00+11:00"},
		{"last day of a far leap year", "Europe/Paris", "2040-12-31T12:00:00+01:00", "2040-12-31T00:00:00+01:00", "2041-01-01T00:00:00+01:00"},
		{"a day that was left out follows", "Pacific/Apia", "2011-12-29T12:00:00-10:00", "2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00"},
		{"a day that was left out went before", "Pacific/Apia", "2011-12-31T00:00:00+14:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			start, end := Calendar{Zone: zoneOf(t, test.zone)}.Day(instant(t, test.at))
			if got := start.Format(time.RFC3339) + " " + end.Format(time.RFC3339); got != test.start+" "+test.end {
				t.Errorf("got %s\nwant %s %s", got, test.start, test.end)
			}
		})
	}
}

func TestMonth(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, zone     string
		resetDay       int
		at, start, end string
	}{
		{"calendar month", "UTC", 0, "2026-02-10T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"},
		{"the day itself", "UTC", 17, "2026-02-17T00:00:00Z", "2026-02-17T00:00:00Z", "2026-03-17T00:00:00Z"},
		{"before the day", "UTC", 17, "2026-02-16T23:59:59Z", "2026-01-17T00:00:00Z", "2026-02-17T00:00:00Z"},
		{"over the year", "UTC", 17, "2027-01-03T00:00:00Z", "2026-12-17T00:00:00Z", "2027-01-17T00:00:00Z"},
		{"31 before February", "UTC", 31, "2026-02-10T00:00:00Z", "2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z"},
		{"31 in February", "UTC", 31, "2026-02-28T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"},
		{"31 in a leap year", "UTC", 31, "2028-03-30T00:00:00Z", "2028-02-29T00:00:00Z", "2028-03-31T00:00:00Z"},
		{"30 in February", "UTC", 30, "2026-03-29T23:00:00Z", "2026-02-28T00:00:00Z", "2026-03-30T00:00:00Z"},
		{"29 in February", "UTC", 29, "2026-03-01T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-29T00:00:00Z"},
		{"29 in a leap year", "UTC", 29, "2028-02-28T12:00:00Z", "2028-01-29T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"no leap year", "UTC", 29, "2100-02-28T12:00:00Z", "2100-02-28T00:00:00Z", "2100-03-29T00:00:00Z"},
		{"31 in April", "UTC", 31, "2026-04-30T00:00:00Z", "2026-04-30T00:00:00Z", "2026-05-31T00:00:00Z"},
		{"clocks change within", "Europe/Paris", 17, "2026-03-29T12:00:00+02:00", "2026-03-17T00:00:00+01:00", "2026-04-17T00:00:00+02:00"},
		{"another month than in UTC", "Europe/Paris", 1, "2026-04-30T22:00:00Z", "2026-05-01T00:00:00+02:00", "2026-06-01T00:00:00+02:00"},
		{"no midnight on the day", "America/Sao_Paulo", 4, "2018-11-20T00:00:00-02:00", "2018-11-04T01:00:00-02:00", "2018-12-04T00:00:00-02:00"},
		{"the day was left out", "Pacific/Apia", 30, "2011-12-31T00:00:00+14:00", "2011-12-31T00:00:00+14:00", "2012-01-30T00:00:00+14:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := Calendar{Zone: zoneOf(t, test.zone), ResetDay: test.resetDay}
			start, end := c.Month(instant(t, test.at))
			if got := start.Format(time.RFC3339) + " " + end.Format(time.RFC3339); got != test.start+" "+test.end {
				t.Errorf("got %s\nwant %s %s", got, test.start, test.end)
			}
		})
	}
}

// TestZeroCalendar makes sure that nothing has to be set.
func TestZeroCalendar(t *testing.T) {
	t.Parallel()
	at := instant(t, "2026-05-03T01:30:00+02:00")
	if start, _ := (Calendar{}).Day(at); !start.Equal(instant(t, "2026-05-02T00:00:00Z")) {
		t.Errorf("the day starts at %s", start)
	}
	if start, _ := (Calendar{}).Month(at); !start.Equal(instant(t, "2026-05-01T00:00:00Z")) {
		t.Errorf("the month starts at %s", start)
	}
}

// oddZones have clocks that change at midnight, by half an hour, over the date
// line, far from UTC, or not at all.
var oddZones = []string{
	"UTC", "Europe/Paris", "America/Sao_Paulo", "Africa/Cairo", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia",
	"Pacific/Kiritimati", "Pacific/Kwajalein", "Asia/Beirut", "Asia/Tehran", "America/Havana", "Africa/Casablanca", "Antarctica/Troll",
	"Asia/Kathmandu", "America/Scoresbysund", "America/Asuncion", "Asia/Gaza",
}

// TestDaysAgainstClock walks minute by minute and compares the starts of days with
// the instants at which the clock first shows a new date.
func TestDaysAgainstClock(t *testing.T) {
	t.Parallel()
	for _, name := range oddZones {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := Calendar{Zone: zoneOf(t, name)}
			at := instant(t, "2010-01-01T00:00:00Z")
			_, next := c.Day(at)
			latest := at.In(c.Zone).Format(time.DateOnly)
			for days := 0; days < 2*365; at = at.Add(time.Minute) {
				shown := at.In(c.Zone).Format(time.DateOnly)
				if shown <= latest {
					continue
				}
				if latest = shown; !next.Equal(at) {
					t.Fatalf("the clock shows %s from %s on, the day starts at %s", shown, at, next)
				}
				_, next = c.Day(at)
				days++
			}
		})
	}
}

// TestPeriodsAreContiguous draws instants in a century, and walks from each over
// some years of periods.
func TestPeriodsAreContiguous(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 11))
	for range 400 {
		c := Calendar{Zone: zoneOf(t, oddZones[random.IntN(len(oddZones))]), ResetDay: random.IntN(32)}
		at := time.Unix(random.Int64N(150*365*24*3600), random.Int64N(1e9)).AddDate(-30, 0, 0)
		for what, period := range map[string]func(time.Time) (time.Time, time.Time){"day": c.Day, "month": c.Month} {
			start, end := period(at)
			if at.Before(start) || !at.Before(end) {
				t.Fatalf("%s of %s in %s, reset day %d: %s is not in it, %s", what, at, c.Zone, c.ResetDay, start, end)
			}
			for range 60 {
				for _, within := range []time.Time{start, start.Add(time.Duration(random.Int64N(int64(end.Sub(start))))), end.Add(-1)} {
					if s, e := period(within); !s.Equal(start) || !e.Equal(end) {
						t.Fatalf("%s of %s in %s, reset day %d: from %s to %s, at its start from %s to %s", what, within, c.Zone, c.ResetDay, s, e, start, end)
					}
				}
				next, after := period(end)
				if !next.Equal(end) {
					t.Fatalf("the %s that ends at %s in %s, reset day %d, is followed by one from %s", what, end, c.Zone, c.ResetDay, next)
				}
				start, end = next, after
			}
		}
	}
}

// TestMonthsStartOnTheirDay compares the starts of months with the dates that the
// clock shows there, over 28 years, in which all combinations of days come.
func TestMonthsStartOnTheirDay(t *testing.T) {
	t.Parallel()
	zone := zoneOf(t, "Europe/Paris")
	for resetDay := 1; resetDay <= 31; resetDay++ {
		c := Calendar{Zone: zone, ResetDay: resetDay}
		at := time.Date(2020, 1, 15, 12, 0, 0, 0, zone)
		for range 28 * 12 {
			start, end := c.Month(at)
			tomorrow := start.AddDate(0, 0, 1).Day()
			if start.Hour() != 0 || start.Day() != resetDay && (start.Day() > resetDay || tomorrow != 1) {
				t.Fatalf("reset day %d: a month starts at %s", resetDay, start)
			}
			if days := end.Sub(start).Hours() / 24; days < 27.9 || days > 31.1 {
				t.Fatalf("reset day %d: from %s to %s are %f days", resetDay, start, end, days)
			}
			at = end
		}
	}
}
