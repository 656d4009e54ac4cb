package app

import (
	"context"
	"path"

	"nightshift/internal/job"
	"nightshift/internal/results"
)

// standState says how a batch stands; a closed list. A batch that is over has the
// outcome of its report.
type standState string

const (
	stateWaiting    standState = "waiting" // for a worker
	stateRunning    standState = "running"
	statePaused     standState = "paused"
	stateCancelling standState = "cancelling"
	stateBlocked    standState = "blocked" // until a person acts
	// stateUnfinished is the state of a batch whose submission did not come to its end.
	stateUnfinished standState = "unfinished"
	// stateLocal is that of a batch of which enqueue run has made a part.
	stateLocal standState = "local"
)

// batchRecord is what the bucket says of a batch, in a few small objects.
type batchRecord struct {
	batch   string
	open    bool // workers have to do with it
	order   *order
	control control
	began   began
	report  *results.Report // of the last order that is over, or of a run
}

// readRecord reads what the bucket says of a batch; open are those that workers have
// to do with.
func readRecord(ctx context.Context, b objects, batch string, open bool) (*batchRecord, error) {
	r := &batchRecord{batch: batch, open: open}
	var err error
	if r.order, err = readOrder(ctx, b, batch); err != nil {
		return nil, err
	}
	if r.order != nil && open {
		if r.control, err = readControl(ctx, b, r.order); err != nil {
			return nil, err
		}
	}
	if r.order != nil {
		if _, err = readJSON(ctx, b, batch+"/"+beganName, &r.began); err != nil {
			return nil, err
		}
	}
	r.report, err = storedReport(ctx, b, batch)
	return r, err
}

// begun reports whether a worker has begun the order.
func (r *batchRecord) begun() bool { return r.order != nil && r.began.Order == r.order.ID }

// over reports whether the order has come to its end. The report is of it then.
func (r *batchRecord) over() bool { return !r.open && r.begun() && r.report != nil }

// blockage is what a person has to see to before an open batch goes on; nil if nothing is.
func (r *batchRecord) blockage() *blockage {
	if !r.open {
		return nil
	}
	return r.control.blockage()
}

// state is how the batch stands by the bucket.
func (r *batchRecord) state() standState {
	switch {
	case r.order == nil && r.report == nil:
		return stateLocal
	case r.order == nil, r.over():
		return standState(r.report.State)
	case !r.open:
		return stateUnfinished
	case r.control.State == controlCancel:
		return stateCancelling
	case r.control.State == controlPause:
		return statePaused
	case r.control.State == controlBlocked:
		return stateBlocked
	case !r.begun():
		return stateWaiting
	default:
		return stateRunning
	}
}

func (r *batchRecord) name() string { return path.Base(r.batch) }

func (r *batchRecord) mode() job.Mode {
	if path.Dir(r.batch) == testFolder {
		return job.Test
	}
	return job.Live
}
