package view

import (
	"context"
	"path"

	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/job"
	"nightshift/internal/outlook"
	"nightshift/internal/report"
)

// State says how a batch stands; a closed list. A batch that is over has the
// outcome of its report.
type State string

// How a batch can stand.
const (
	StateWaiting    State = "waiting" // for a worker
	StateRunning    State = "running"
	StatePaused     State = "paused"
	StateCancelling State = "cancelling"
	stateBlocked    State = "blocked" // until a person acts
	// stateUnfinished is the state of a batch whose submission did not come to its end.
	stateUnfinished State = "unfinished"
	// StateDamaged is that of a batch of which an object in the bucket cannot be read.
	StateDamaged State = "damaged"
	// stateLocal is that of a batch of which enqueue run has made a part.
	stateLocal State = "local"
)

// Words say to a person how a batch stands of which so many jobs have no images.
func (s State) Words(missing int) string {
	switch s {
	case StateWaiting:
		return "waiting for a worker"
	case StateRunning, StatePaused, StateCancelling, stateBlocked, StateDamaged:
		return string(s)
	case stateUnfinished:
		return string(s) + ", not submitted to its end"
	case stateLocal:
		return string(s) + ", not run to its end"
	default:
		return outlook.Outcome(s).Words(missing)
	}
}

// BatchInfo is what the bucket says of a batch, in a few small objects.
type BatchInfo struct {
	Batch      string
	Open       bool // workers, or a run, work on it
	abandoned  bool // the run that worked on it is gone, and has not closed it
	Submission *batch.Submission
	Control    batch.Control
	started    batch.Started
	Report     *report.Report // of the last submission that is over, or of a run
}

// ReadBatchInfo reads what the bucket says of a batch; open are those that workers have
// to do with.
func ReadBatchInfo(ctx context.Context, b bucket.Objects, id string, open bool) (*BatchInfo, error) {
	r := &BatchInfo{Batch: id, Open: open}
	var err error
	if r.Submission, err = batch.ReadSubmission(ctx, b, id); err != nil {
		return nil, err
	}
	if open && r.local() && !runAlive(ctx, b, id) {
		r.Open, r.abandoned = false, true
	}
	if r.Submission != nil && r.Open {
		if r.Control, err = batch.ReadControl(ctx, b, r.Submission); err != nil {
			return nil, err
		}
	}
	if r.Submission != nil {
		if _, err = batch.ReadJSON(ctx, b, id+"/"+batch.StartedName, &r.started); err != nil {
			return nil, err
		}
	}
	r.Report, err = StoredReport(ctx, b, id)
	return r, err
}

// local reports whether it was run without a server, so that only a run works on it.
func (r *BatchInfo) local() bool { return r.Submission != nil && r.Submission.Local }

// imagesLeftOut are the images of jobs that do not run since they failed before.
func (r *BatchInfo) imagesLeftOut() int {
	o := r.Submission
	if o.AllImages == 0 {
		return 0
	}
	return max(0, o.AllImages-o.KeptImages-o.Images) + r.started.RefusedImages
}

// hasStarted reports whether a worker has begun the submission.
func (r *BatchInfo) hasStarted() bool {
	return r.Submission != nil && r.started.Order == r.Submission.ID
}

// Over reports whether the submission has come to its end. The report is of it then.
func (r *BatchInfo) Over() bool {
	if r.Open || !r.hasStarted() || r.Report == nil {
		return false
	}
	return !r.abandoned || r.Report.Ended.After(r.started.At)
}

// Blockage is what a person has to see to before an open batch goes on; nil if nothing is.
func (r *BatchInfo) Blockage() *batch.Blockage {
	if !r.Open {
		return nil
	}
	return r.Control.Blockage()
}

// State is how the batch stands by the bucket.
func (r *BatchInfo) State() State {
	switch {
	case r.Submission == nil && r.Report == nil:
		return stateLocal
	case r.Submission == nil, r.Over():
		return State(r.Report.State)
	case !r.Open && r.local():
		return stateLocal
	case !r.Open:
		return stateUnfinished
	case r.Control.State == batch.ControlCancel && r.Control.Guard:
		return stateBlocked
	case r.Control.State == batch.ControlCancel:
		return StateCancelling
	case r.Control.State == batch.ControlPause:
		return StatePaused
	case r.Control.State == batch.ControlBlocked:
		return stateBlocked
	case !r.hasStarted():
		return StateWaiting
	default:
		return StateRunning
	}
}

// Name is the name in the manifest.
func (r *BatchInfo) Name() string { return path.Base(r.Batch) }

// Mode is told by where the batch lies.
func (r *BatchInfo) Mode() job.Mode {
	if path.Dir(r.Batch) == batch.TestFolder {
		return job.Test
	}
	return job.Live
}

// StoredReport is the report of the last run or submission of a batch that is over; nil if there
// is none.
func StoredReport(ctx context.Context, b bucket.Objects, id string) (*report.Report, error) {
	report := new(report.Report)
	found, err := batch.ReadJSON(ctx, b, id+"/report.json", report)
	if err != nil || !found {
		return nil, err
	}
	report.State = report.State.Of(report.Counts.Jobs, report.Counts.Missing()) // earlier versions told another
	return report, nil
}
