package provider

import (
	"time"

	"nightshift/internal/job"
)

// Usages is what the provider says was charged.
type Usages struct {
	Days []DayUsage // by day, then by author
	// Newest is the time of the latest entry that was read; zero where there was
	// none. Entries come late, so there may be charges since then, and before.
	Newest time.Time
}

// DayUsage is what one API key, or one person, was charged on one day.
type DayUsage struct {
	Day      time.Time // its begin in UTC
	Author   string    // as job.Inference.Author
	Charged  job.CU
	Refunded job.CU // not taken off Charged; may be for charges of other days
}
