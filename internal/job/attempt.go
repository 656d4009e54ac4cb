package job

import "time"

// AttemptEvent is what happened to a paid request.
type AttemptEvent string

// The events of an attempt.
const (
	Begun    AttemptEvent = "begun"    // the log is there; it is of no attempt
	Intended AttemptEvent = "intended" // about to be sent
	Received AttemptEvent = "received" // the provider named its inference
	Refused  AttemptEvent = "refused"  // nothing was accepted, and nothing is paid
	Ended    AttemptEvent = "ended"    // over, with its bill, where no result says so
)

// AttemptLine is one line of a batch's log of attempts, which outlives Redis.
type AttemptLine struct {
	Event   AttemptEvent `json:"event"`
	Job     ID           `json:"job,omitempty"`
	Attempt int          `json:"attempt,omitempty"`
	// Fence tells sendings of one attempt apart, the later one has the larger: lines of
	// several processes can stand in any order.
	Fence int64     `json:"fence,omitempty"`
	At    time.Time `json:"at"`
	// The API key: its id in the keys file, and the project and team that it counts in.
	APIKey  string `json:"apiKey,omitempty"`
	Project string `json:"project,omitempty"`
	Team    string `json:"team,omitempty"`
	// Intended: what is sent, and the CU that are held until the attempt is over.
	Quoted CU   `json:"quoted,omitempty"`
	Spec   *Job `json:"spec,omitempty"`
	// Received, and Ended where it is known: the provider's id of the run and of our key,
	// and when it made the run by its clock.
	Inference     string    `json:"inference,omitempty"`
	ProviderKeyID string    `json:"providerKeyID,omitempty"`
	Made          time.Time `json:"made,omitzero"`
	// Ended: the bill, and when the request was sent, which decides the day and the month
	// that the bill counts in.
	Sent     time.Time `json:"sent,omitzero"`
	Billed   CU        `json:"billed,omitempty"`
	Refunded CU        `json:"refunded,omitempty"`
}

// Charge is the bill of the last attempt of a job, and what it counts in besides the
// API key of its result.
type Charge struct {
	Project  string `json:"project,omitempty"`
	Team     string `json:"team,omitempty"`
	Billed   CU     `json:"billed"`
	Refunded CU     `json:"refunded"`
}

// Slice is what was spent with one API key for one batch in a quarter of an hour.
type Slice struct {
	APIKey  string    `json:"apiKey"`
	Project string    `json:"project,omitempty"`
	Team    string    `json:"team,omitempty"`
	Batch   string    `json:"batch"`
	Quarter time.Time `json:"quarter"` // its start, UTC
	CU      CU        `json:"cu"`
}
