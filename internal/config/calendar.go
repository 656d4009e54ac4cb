package config

import "time"

// Calendar says when the days and the billing months of caps begin. The zero value
// has the days of UTC and the months of the calendar.
//
// Days are those that the clocks of the zone show, however long they are. One that
// has no midnight, because clocks go forward over it, begins at its first instant.
// One that clocks go back into does not begin a second time. So there is neither a
// gap nor an overlap between periods.
type Calendar struct {
	Zone     *time.Location // nil is UTC
	ResetDay int            // first day of the month's period, 1 to 31; 0 is 1. In shorter months it is the last day
}

// Day returns the calendar day that holds at: its start, and the start of the next
// one.
func (c Calendar) Day(at time.Time) (start, end time.Time) {
	year, month, day := at.In(c.zone()).Date()
	return around(at, func(n int) time.Time { return c.dayStart(year, month, day+n) })
}

// Month returns the billing month that holds at: its start, and the start of the
// next one.
func (c Calendar) Month(at time.Time) (start, end time.Time) {
	year, month, _ := at.In(c.zone()).Date()
	return around(at, func(n int) time.Time { return c.monthStart(year, month+time.Month(n)) })
}

// around returns the two consecutive starts between which at lies; that of number
// 0 is near it.
func around(at time.Time, starts func(n int) time.Time) (start, end time.Time) {
	n := 0
	for at.Before(starts(n)) {
		n--
	}
	for !at.Before(starts(n + 1)) {
		n++
	}
	return starts(n), starts(n + 1)
}

func (c Calendar) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// monthStart returns the start of the period that begins in this month.
func (c Calendar) monthStart(year int, month time.Month) time.Time {
	last := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return c.dayStart(year, month, min(max(c.ResetDay, 1), last))
}

// dayStart returns the first instant at which the clocks of the zone show this date
// or a later one. [time.Date] does not say what it returns for a midnight that does
// not exist or exists twice.
func (c Calendar) dayStart(year int, month time.Month, day int) time.Time {
	const farAhead = 26 * time.Hour // more than the clocks of any zone are before UTC
	midnight := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	at := midnight.Add(-farAhead).In(c.zone())
	for {
		_, offset := at.Zone()
		until, changes := nextChange(at)
		if shown := midnight.Add(-time.Duration(offset) * time.Second); shown.After(at) {
			at = shown.In(c.zone())
		}
		if !changes || at.Before(until) {
			return at
		}
		at = until
	}
}

// nextChange returns the end of a time from at on in which clocks do not change, or
// false if they never will.
func nextChange(at time.Time) (until time.Time, changes bool) {
	_, until = at.ZoneBounds()
	if until.IsZero() {
		return until, false
	}
	// On the last day of leap years that are beyond the table of a zone, the bound
	// that is worked out from its rule lies before at. Rules use whole quarters.
	const quarter = 15 * time.Minute
	if !until.After(at) {
		until = at.Add(quarter)
	}
	return until, true
}
