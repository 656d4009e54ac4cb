package outlook

import (
	"fmt"

	"nightshift/internal/text"
)

// Outcome says how a run or a submission of a batch ended; a closed list.
type Outcome string

// The outcomes.
const (
	Ongoing     Outcome = "running"     // not ended; a report in between
	Complete    Outcome = "complete"    // every job has its images
	Over        Outcome = "over"        // every job ended, and some have no images
	Interrupted Outcome = "interrupted" // shut down; the next run goes on from here
	Blocked     Outcome = "blocked"     // nothing goes on without a person, for the reason given with it
	Cancelled   Outcome = "cancelled"   // a person ended it; what was under way is stored
)

// Outcomes are all of them.
var Outcomes = []Outcome{Ongoing, Complete, Over, Interrupted, Blocked, Cancelled}

// Of is the outcome of so many jobs of which some have no images: a batch of which images
// are missing is never complete, and one that has all of them is, whatever ended it.
func (o Outcome) Of(jobs, missing int) Outcome {
	switch {
	case o == Complete && missing > 0:
		return Over
	case jobs > 0 && missing == 0 && (o == Over || o == Interrupted || o == Cancelled):
		return Complete
	default:
		return o
	}
}

// Words say to a person how a batch ended of which so many jobs have no images.
func (o Outcome) Words(missing int) string {
	if (o == Complete || o == Over) && missing > 0 {
		return fmt.Sprintf("over, %s missing", text.Count(missing, "job"))
	}
	return string(o)
}
