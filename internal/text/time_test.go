package text

import (
	"testing"
	"time"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0s", 12400 * time.Millisecond: "12s", 59600 * time.Millisecond: "1m 00s",
		185 * time.Second: "3m 05s", 130 * time.Minute: "2h 10m", 28 * time.Hour: "1d 4h",
	} {
		if got := Span(d); got != want {
			t.Errorf("Span(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestAbout(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "a few seconds", 9 * time.Second: "a few seconds", 36 * time.Second: "about 40s",
		54 * time.Second: "about 50s", 56 * time.Second: "about 1m", 4*time.Minute + 29*time.Second: "about 4m",
		12 * time.Minute: "about 10m", 13 * time.Minute: "about 15m", 54 * time.Minute: "about 55m",
		55 * time.Minute: "about 1h", 64 * time.Minute: "about 1h", 128 * time.Minute: "about 2h 10m",
		23*time.Hour + 50*time.Minute: "about 23h 50m", 24 * time.Hour: "about 1d", 40 * time.Hour: "about 1d 16h",
	} {
		if got := About(d); got != want {
			t.Errorf("About(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	for at, want := range map[time.Time]string{
		now.Add(12 * time.Second): "12:00:12",
		now.Add(13 * time.Hour):   "2 Mar 01:00",
		now.AddDate(1, 0, 0):      "2027-03-01 12:00",
		now.AddDate(-1, 0, 0):     "2025-03-01 12:00",
		now.Add(-12 * time.Hour):  "00:00:00",
		now.Add(-13 * time.Hour):  "28 Feb 23:00",
	} {
		if got := Clock(at, now); got != want {
			t.Errorf("%v is %q, want %q", at, got, want)
		}
	}
}
