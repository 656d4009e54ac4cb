package admission

import (
	"errors"
	"fmt"
	"time"

	"nightshift/internal/job"
)

// Limits are those of one scope: a key, a project, a team or a batch. A zero value
// is no limit.
type Limits struct {
	// RequestsPerMinute is for keys and projects; submits and reads count.
	RequestsPerMinute int
	// ReadReserve is how many of these are kept for reads: submits may use at
	// most RequestsPerMinute - ReadReserve, which must leave at least one.
	ReadReserve int
	// Parallel is how many jobs may run, for keys and teams. A team's is learned
	// from the provider as well, and the lower number holds.
	Parallel int
	CU       Caps
	// Days and Months are the periods of the caps, by the caller's clock. Without
	// them they are those of UTC.
	Days, Months Starts
}

// Caps are amounts of CU that what is spent and reserved never passes; nil is no cap.
type Caps struct{ Total, Day, Month *job.CU }

// Starts are when the period before, the present one and the next begin. Redis
// picks one by its own clock, so they need not be of this very moment.
type Starts [3]time.Time

func (l Limits) validate() error {
	switch {
	case l.RequestsPerMinute < 0 || l.ReadReserve < 0 || l.Parallel < 0:
		return errors.New("limits must not be negative")
	case l.RequestsPerMinute > 0 && l.ReadReserve >= l.RequestsPerMinute:
		return fmt.Errorf("a read reserve of %d leaves none of %d requests a minute for submits", l.ReadReserve, l.RequestsPerMinute)
	case !l.Days.ordered() || !l.Months.ordered():
		return errors.New("the starts of periods are not in order")
	default:
		return nil
	}
}

func (s Starts) ordered() bool {
	return s == Starts{} || s[0].Before(s[1]) && s[1].Before(s[2])
}

// numbers writes the limits for the scripts, as limits.lua reads them.
func (l Limits) numbers(now time.Time) []any {
	days, months := l.Days, l.Months
	if days == (Starts{}) {
		days = utcDays(now)
	}
	if months == (Starts{}) {
		months = utcMonths(now)
	}
	numbers := []any{
		l.RequestsPerMinute, max(0, l.RequestsPerMinute-l.ReadReserve), l.Parallel,
		capNumber(l.CU.Total), capNumber(l.CU.Day), capNumber(l.CU.Month),
	}
	for _, starts := range []Starts{days, months} {
		for _, start := range starts {
			numbers = append(numbers, start.UnixMilli())
		}
	}
	return numbers
}

// capNumber writes a cap for a script: -1 is none.
func capNumber(c *job.CU) int64 {
	if c == nil {
		return -1
	}
	return max(0, int64(*c))
}

func utcDays(now time.Time) Starts {
	today := now.UTC().Truncate(24 * time.Hour)
	return Starts{today.AddDate(0, 0, -1), today, today.AddDate(0, 0, 1)}
}

func utcMonths(now time.Time) Starts {
	year, month, _ := now.UTC().Date()
	first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	return Starts{first.AddDate(0, -1, 0), first, first.AddDate(0, 1, 0)}
}
