package job

import (
	"fmt"
	"time"
)

// Decision is a lost reply of which only a person can tell what became of it.
type Decision struct {
	Job     ID        `json:"job"`
	Attempt int       `json:"attempt"`
	Row     string    `json:"row"`
	Model   string    `json:"model"`
	Prompt  string    `json:"prompt,omitempty"`
	Seed    string    `json:"seed,omitempty"`
	APIKey  string    `json:"apiKey,omitempty"` // the id of the API key it was sent with
	Sent    time.Time `json:"sent"`             // when the request was about to be sent, by our clock
	Amount  CU        `json:"amount"`           // held until there is an answer
	// Candidates are the runs that may be the job's own: none of them, or any one.
	Candidates []Candidate `json:"candidates"`
}

// Candidate is a run at the provider that may be the one that was asked for.
type Candidate struct {
	Inference     string    `json:"inference"` // the provider's id of the run
	Made          time.Time `json:"made"`      // by the provider's clock
	Status        RunStatus `json:"status"`
	ProviderKeyID string    `json:"author,omitempty"` // the provider's id of the API key that started it
	Billed        CU        `json:"billed"`
}

// Answer is what a person decided about a question.
type Answer struct {
	Job     ID  `json:"job"`
	Attempt int `json:"attempt"`
	// Inference is the run that is the job's own; "" says that the request was
	// never accepted, and sends it again.
	Inference string    `json:"inference"`
	At        time.Time `json:"at"`
}

// Check returns an error wrapping [ErrInvalid] for an answer that names no attempt.
func (a Answer) Check() error {
	if a.Job == "" || a.Attempt < 1 {
		return fmt.Errorf("%w: an answer names a job and its attempt, not %q and %d", ErrInvalid, a.Job, a.Attempt)
	}
	return nil
}
