package plan

import (
	"testing"
	"time"
)

func TestRoughly(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		1500 * time.Millisecond:      "2 s",
		119 * time.Second:            "119 s",
		150 * time.Second:            "3 min",
		3*time.Hour + 50*time.Second: "3 h 1 min",
		47 * time.Hour:               "47 h 0 min",
		2*day + 20*time.Minute:       "2 days",
		2*day + 3*time.Hour:          "2 days 3 h",
		3*day - time.Minute:          "3 days",
	} {
		if got := roughly(d); got != want {
			t.Errorf("roughly(%s) is %q, want %q", d, got, want)
		}
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	for want, check := range map[string]CapCheck{
		"fits":                       {Fits: true, Periods: 1},
		"needs 1 day of this cap":    {Period: PeriodDay, Short: 1, Periods: 1},
		"needs 3 months of this cap": {Period: PeriodMonth, Short: 1, Periods: 3},
		"2 jobs too dear for it":     {Period: PeriodDay, Short: 1, Periods: 3, Never: 2},
		"1.5 CU short":               {Period: PeriodDay, Short: 1500},
	} {
		if got := check.verdict(); got != want {
			t.Errorf("the verdict on %+v is %q, want %q", check, got, want)
		}
	}
}
