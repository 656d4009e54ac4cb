package batch

import (
	"time"

	"nightshift/internal/job"
)

// InFlight is a paid request whose end is not known. Its CU are held.
type InFlight struct {
	Job     job.ID
	Attempt int
	Spec    *job.Job // what was sent
	// The API key it was sent with: its id, project and team.
	APIKey, Project, Team string
	Quoted                job.CU    // held until it is over
	Intent                time.Time // when it was about to be sent
	// Inference is the provider's id of the run and Made when it made it; empty
	// where the answer was lost.
	Inference string
	Made      time.Time
}

// Run is an inference that the provider has made.
type Run struct {
	Inference string    `json:"inference"`
	Made      time.Time `json:"made"`
}

// request is what is known of the last attempt of a job that is not over.
type request struct {
	attempt  int
	intended bool      // an intent was read
	sending  *InFlight // of the last one; nil before
	fence    int64     // of what was last intended or refused
	refused  bool
	answer   Run
	answered int64     // the fence of the answer
	at       time.Time // when it was noted
}

// take adds a line. Lines come in any order.
func (r *request) take(line *job.AttemptLine) {
	switch line.Event {
	case job.Intended:
		r.intended = true
		// Lines with a fence are ordered by it; those of long ago have none.
		if line.Fence < r.fence || line.Fence == r.fence && r.refused && line.Fence != 0 {
			break
		}
		r.fence, r.refused = line.Fence, false
		r.sending = &InFlight{
			Job: line.Job, Attempt: line.Attempt, Spec: line.Spec, APIKey: line.APIKey, Project: line.Project, Team: line.Team,
			Quoted: line.Quoted, Intent: line.At,
		}
	case job.Refused:
		if line.Fence >= r.fence {
			r.fence, r.refused = line.Fence, true
		}
	case job.Received:
		// Of one sending the last counts: it corrects the others.
		if line.Fence > r.answered || line.Fence == r.answered && !line.At.Before(r.at) {
			r.answer, r.answered, r.at = Run{line.Inference, line.Made}, line.Fence, line.At
		}
	case job.Ended, job.Begun: // the fold has ended the attempt; of none
	}
}

// inFlight is what may be at the provider; nil if nothing is.
func (r *request) inFlight() *InFlight {
	if r.sending == nil || r.refused {
		return nil
	}
	found := *r.sending
	if r.answered >= r.fence {
		found.Inference, found.Made = r.answer.Inference, r.answer.Made
	}
	return &found
}

// stray is a run of an earlier sending, which was taken for refused; nil if there is
// none.
func (r *request) stray() *Run {
	if r.answer.Inference == "" || r.sending != nil && !r.refused && r.answered >= r.fence {
		return nil
	}
	return &r.answer
}
