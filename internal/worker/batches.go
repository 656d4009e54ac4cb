package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/batch"
	"nightshift/internal/job"
)

// sharedFolder is what the bucket holds of a batch on which several workers work.
type sharedFolder struct {
	batch.Folder
	questions *batch.Decisions
}

// shared returns the folder of a batch, the same each time, so that lines that are
// written at the same time share a write.
func (w *Worker) shared(id string) *sharedFolder {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.folders[id]
	if f == nil {
		f = &sharedFolder{Folder: batch.NewFolder(w.Bucket, id), questions: batch.NewDecisions(w.Bucket, id)}
		w.folders[id] = f
	}
	return f
}

// known is an open batch; nil if it is not known here.
func (w *Worker) known(batch string) *knownBatch {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.batches[batch]
}

func (w *Worker) knownList() []string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	batches := make([]string, 0, len(w.batches))
	for batch := range w.batches {
		batches = append(batches, batch)
	}
	slices.Sort(batches)
	return batches
}

// refresh reads which batches are open, and what is wanted of each.
// Trouble with one of them leaves the others as they are.
func (w *Worker) refresh(ctx context.Context) error {
	open, err := batch.OpenBatches(ctx, w.Bucket)
	if err != nil {
		return err
	}
	if w.Only != "" {
		open = slices.DeleteFunc(open, func(batch string) bool { return batch != w.Only })
	}
	ours := open[:0]
	for _, id := range open {
		held, err := w.readBatch(ctx, id)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !errors.Is(err, errElsewhere) {
			ours = append(ours, id)
		}
		if err != nil {
			w.unreadable(ctx, id, err)
			continue
		}
		w.note(id, "")
		w.take(ctx, held)
	}
	w.forgetOthers(ours)
	return nil
}

// unreadable tells of a batch that cannot be worked on.
func (w *Worker) unreadable(ctx context.Context, id string, err error) {
	w.note(id, err.Error())
	if errors.Is(err, errElsewhere) {
		return
	}
	w.Logger.Log(ctx, severity(err), "batch cannot be worked on", "batch_id", id, "err", err, "hint", job.Hint(err))
	if !passes(err) {
		w.Observer.isBlocked(batch.Blockage{Err: err, Hint: job.Hint(err)})
	}
}

// forgetOthers forgets all batches but these.
func (w *Worker) forgetOthers(open []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for batch := range w.batches {
		if !slices.Contains(open, batch) {
			delete(w.batches, batch)
			delete(w.folders, batch)
			delete(w.trouble, batch)
			delete(w.blockages, batch)
		}
	}
}

var (
	errNoSubmission = errors.New("it is marked as open and has no submission")
	// errElsewhere says that a batch is another process' alone.
	errElsewhere = errors.New("no other worker may take part")
)

// readBatch reads what a batch's folder says.
func (w *Worker) readBatch(ctx context.Context, id string) (*knownBatch, error) {
	o, err := batch.ReadSubmission(ctx, w.Bucket, id)
	if err == nil && o == nil {
		err = &job.HintedError{Err: fmt.Errorf("batch %s: %w", id, errNoSubmission), Hint: "submit its manifest again"}
	}
	if err != nil {
		return nil, err
	}
	if o.Local && w.Only == "" {
		return nil, fmt.Errorf("batch %s is worked on by enqueue run, without a Redis server: %w", id, errElsewhere)
	}
	c, err := batch.ReadControl(ctx, w.Bucket, o)
	if err != nil {
		return nil, err
	}
	l, err := w.lane(o)
	if err != nil {
		return nil, err
	}
	var start batch.Started
	if _, err := batch.ReadJSON(ctx, w.Bucket, id+"/"+batch.StartedName, &start); err != nil {
		return nil, err
	}
	state, err := batch.ReadState(ctx, w.Bucket, id)
	if err != nil {
		return nil, err
	}
	if state != nil {
		l.api.Keys.Remember(state.Keys)
	}
	return &knownBatch{sharedFolder: w.shared(id), submission: o, control: c, lane: l, started: start.Order == o.ID}, nil
}

// take takes over what was read of a batch. Jobs that waited because it was paused,
// or for its budget, ask again.
func (w *Worker) take(ctx context.Context, next *knownBatch) {
	w.mu.Lock()
	before := w.batches[next.Batch]
	w.batches[next.Batch] = next
	w.mu.Unlock()
	if before != nil && before.version() == next.version() && before.started == next.started {
		return
	}
	w.Observer.hasChanged()
	w.Logger.InfoContext(ctx, "submission read", "batch_id", next.Batch, "submission", next.submission.ID, "state", string(next.control.State))
	w.wakeLane(ctx, next.lane)
}

// noteStarted notes that the submission of a batch has begun.
func (w *Worker) noteStarted(held *knownBatch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := w.batches[held.Batch]; now != nil && now.submission.ID == held.submission.ID {
		next := *now
		next.started = true
		w.batches[held.Batch] = &next
	}
}

// laneNamed returns the lane of this name.
func (w *Worker) laneNamed(name string) (*lane, error) {
	parts := strings.SplitN(name, "/", 3)
	if len(parts) < 2 {
		return nil, fmt.Errorf("lane %q: not a pool and a mode", name)
	}
	o := &batch.Submission{Pool: parts[0], Mode: job.Mode(parts[1])}
	if len(parts) == 3 {
		o.OwnLane, o.Batch = true, parts[2]
	}
	return w.lane(o)
}
