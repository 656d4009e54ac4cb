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
	Complete    Outcome = "complete"    // every job ended, some perhaps failed
	Interrupted Outcome = "interrupted" // shut down; the next run goes on from here
	Blocked     Outcome = "blocked"     // nothing goes on without a person, for the reason given with it
	Cancelled   Outcome = "cancelled"   // a person ended it; what was under way is stored
)

// Outcomes are all of them.
var Outcomes = []Outcome{Ongoing, Complete, Interrupted, Blocked, Cancelled}

// Words say to a person how a batch ended of which so many jobs have no images. A batch of
// which images are missing is never called complete.
func (o Outcome) Words(missing int) string {
	switch {
	case o == Complete && missing == 0:
		return "complete"
	case o == Complete:
		return fmt.Sprintf("over, %s missing", text.Count(missing, "job"))
	default:
		return string(o)
	}
}
