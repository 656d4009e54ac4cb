package progress

import (
	"time"

	"nightshift/internal/job"
	"nightshift/internal/text"
)

// Phase is what a run is busy with; a closed list.
type Phase string

// The phases.
const (
	Planning  Phase = "planning" // reads, checks and prices the manifest
	Running   Phase = "running"
	Stopping  Phase = "stopping"  // sends nothing more, stores what it can
	Finishing Phase = "finishing" // draws the contact sheet
	Done      Phase = "done"
	// Of a batch that a fleet of workers runs:
	Waiting    Phase = "waiting"    // no worker has begun
	Paused     Phase = "paused"     // a person paused it
	Cancelling Phase = "cancelling" // collects what was sent, and ends
)

// words says the phase to a person.
func (p Phase) words() string {
	switch p {
	case Finishing:
		return "drawing the contact sheet"
	case Waiting:
		return "waiting for a worker"
	default:
		return text.Clean(string(p), text.Short)
	}
}

// Wait is what keeps the next job from being sent.
type Wait struct {
	Reason job.WaitReason `json:"reason"`           // "" if nothing does
	Until  time.Time      `json:"until,omitzero"`   // zero if not known
	Detail string         `json:"detail,omitempty"` // "6 of 6 running", for people
}

// IsZero reports whether nothing is waited for.
func (w Wait) IsZero() bool { return w.Reason == "" }

// Snapshot is where a run is at one moment. Its counts are of the whole batch.
type Snapshot struct {
	Phase Phase    `json:"phase"`
	Batch string   `json:"batch"`
	Mode  job.Mode `json:"mode"`

	// Jobs by state; Kept had their result before this run, and FailedBefore were refused
	// for their content and charged. Waiting wait for a pick. Held are those of the queued that
	// wait for an image of another row.
	Jobs struct {
		Total        int `json:"total"`
		Kept         int `json:"kept"`
		Succeeded    int `json:"succeeded"`
		Failed       int `json:"failed"`
		FailedBefore int `json:"failedBefore,omitempty"`
		Waiting      int `json:"waiting,omitempty"`
		Running      int `json:"running"`
		Queued       int `json:"queued"`
		Held         int `json:"held,omitempty"`
		Unknown      int `json:"unknown"`
		Storing      int `json:"storing"`
	} `json:"jobs"`
	// Images that are there, and of all jobs.
	Images struct {
		Done  int `json:"done"`
		Total int `json:"total"`
	} `json:"images"`
	Waiting Wait `json:"waiting,omitzero"`
	// CU spent and reserved for the batch, and its budget if it has one.
	CU struct {
		Spent    job.CU  `json:"spent"`
		Reserved job.CU  `json:"reserved"`
		Cap      *job.CU `json:"cap,omitempty"`
		InTheEnd job.CU  `json:"inTheEnd,omitempty"` // estimated; 0 if not known
	} `json:"cu"`
	Requests int64     `json:"requests"` // sent to the API in this run
	Started  time.Time `json:"started,omitzero"`
	// Left is the time until all images are there, and Pace images a second; 0 if not known.
	Left time.Duration `json:"-"`
	Pace float64       `json:"-"`
}
