package config

import "nightshift/internal/job"

// Limits are what one key, or all keys of a project or team together, may use.
// Those of a batch have CU and Calendar alone.
type Limits struct {
	RequestsPerMinute int // at least 10; 0 where the file does not say
	Parallel          int // inferences that run at the same time; 0 where the file does not say
	CU                CUCaps
	Calendar          Calendar // of the caps for a day and a month
}

// CUCaps are the most that may be spent: ever, in a calendar day, in a billing
// month. Nil is no cap.
type CUCaps struct {
	Total, Day, Month *job.CU
}

func (l Limits) equal(other Limits) bool {
	return l.RequestsPerMinute == other.RequestsPerMinute && l.Parallel == other.Parallel &&
		sameCap(l.CU.Total, other.CU.Total) && sameCap(l.CU.Day, other.CU.Day) && sameCap(l.CU.Month, other.CU.Month) &&
		l.Calendar.ResetDay == other.Calendar.ResetDay &&
		// A zone that is loaded twice is two values, so zones are told by their names.
		l.Calendar.Zone.String() == other.Calendar.Zone.String()
}

func sameCap(a, b *job.CU) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
