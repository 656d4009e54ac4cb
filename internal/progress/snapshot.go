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
	Planning  Phase = "planning"   // reads, checks and prices the manifest
	LookingUp Phase = "looking_up" // looks for what earlier runs left at the provider
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
	case LookingUp:
		return "looking up earlier runs"
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
	Reason job.WaitReason // "" if nothing does
	Until  time.Time      // zero if not known
	Detail string         // "6 of 6 running", for people
}

// Snapshot is where a run is at one moment. Its counts are of the whole batch
// but for Images, which are of this run.
type Snapshot struct {
	Phase Phase
	Note  string // more on the phase: "4 pages of the job list read"
	Batch string
	Mode  job.Mode

	// Jobs by state; Kept had their result before this run.
	Jobs struct{ Total, Kept, Succeeded, Failed, Running, Queued, Unknown, Storing int }
	// Images of this run; those of kept jobs are not counted.
	Images  struct{ Done, Total int }
	Waiting Wait
	// CU spent and reserved for the batch, and its budget if it has one.
	CU struct {
		Spent, Reserved job.CU
		Cap             *job.CU
	}
	Requests int64 // sent to the API in this run
	Started  time.Time
	// Forecast is how long the plan takes, 0 if not known; it counts until enough
	// images are done to extrapolate.
	Forecast time.Duration
}
