package manifest

import (
	"testing"
	"time"
)

func TestWindowNext(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, hours, zone, now, want string }{
		{"open in the day", "09:00-17:00", "", "2026-03-10T12:00:00Z", "2026-03-10T12:00:00Z"},
		{"before it opens", "09:00-17:00", "", "2026-03-10T08:59:59Z", "2026-03-10T09:00:00Z"},
		{"just closed", "09:00-17:00", "", "2026-03-10T17:00:00Z", "2026-03-11T09:00:00Z"},
		{"open before midnight", "22:00-06:00", "", "2026-03-10T23:00:00Z", "2026-03-10T23:00:00Z"},
		{"open after midnight", "22:00-06:00", "", "2026-03-11T05:59:59Z", "2026-03-11T05:59:59Z"},
		{"closed by day", "22:00-06:00", "", "2026-03-11T06:00:00Z", "2026-03-11T22:00:00Z"},
		{"another zone", "22:00-06:00", "America/New_York", "2026-01-10T20:00:00Z", "2026-01-11T03:00:00Z"},
		{"the night the clocks go forward", "02:30-06:00", "Europe/Paris", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00Z"},
		{"the day after", "22:00-06:00", "Europe/Paris", "2026-03-29T12:00:00Z", "2026-03-29T20:00:00Z"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			window, err := ParseWindow(test.hours, test.zone)
			if err != nil {
				t.Fatal(err)
			}
			now, err := time.Parse(time.RFC3339, test.now)
			if err != nil {
				t.Fatal(err)
			}
			if got := window.Next(now).UTC().Format(time.RFC3339); got != test.want {
				t.Errorf("next start %s, want %s", got, test.want)
			}
		})
	}
}
