package job

import "time"

// Submission is one line of the list of what was sent, which outlives Redis.
type Submission struct {
	Event   AttemptEvent `json:"event"`
	ID      ID           `json:"job"`
	Attempt int          `json:"attempt"`
	At      time.Time    `json:"at"`
	// Fence tells sendings of one attempt apart, the later one has the larger: lines of
	// several processes can stand in any order.
	Fence  int64  `json:"fence,omitempty"`
	APIKey string `json:"apiKey,omitempty"` // the id of the API key in the keys file
	Job    *Job   `json:"spec,omitempty"`   // Intended
	// Received: the provider's id of the run, its id of our key, and when it made
	// the run by its clock.
	Inference string    `json:"inference,omitempty"`
	Author    string    `json:"author,omitempty"`
	Made      time.Time `json:"made,omitzero"`
}
