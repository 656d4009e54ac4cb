package admission

import (
	"errors"
	"fmt"
	"time"

	"nightshift/internal/job"
)

// Limits are those of one scope. A zero value is no limit, and what is not counted of
// a kind of scope is not limited there.
type Limits struct {
	// RequestsPerMinute is of submits and reads together.
	RequestsPerMinute int
	// ReadReserve is the most of these that submits leave to reads; how many they leave
	// follows what reads took lately. It must leave at least one for submits.
	ReadReserve int
	// Parallel is how many jobs may run. A team's is learned from the provider as well,
	// and the lower number holds.
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

// milliseconds writes starts for a script, and others for none.
func (s Starts) milliseconds(now time.Time, others func(time.Time) Starts) [3]int64 {
	if s == (Starts{}) {
		s = others(now)
	}
	return [3]int64{s[0].UnixMilli(), s[1].UnixMilli(), s[2].UnixMilli()}
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
