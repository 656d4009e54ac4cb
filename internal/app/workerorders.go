package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/job"
	"nightshift/internal/results"
)

// sharedFolder is what the bucket holds of a batch on which several workers work.
type sharedFolder struct {
	folder
	questions *results.Questions
}

// shared returns the folder of a batch, the same each time, so that lines that are
// written at the same time share a write.
func (w *worker) shared(batch string) *sharedFolder {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.folders[batch]
	if f == nil {
		f = &sharedFolder{folder: newFolder(w.bucket, batch), questions: results.NewQuestions(w.bucket, batch)}
		w.folders[batch] = f
	}
	return f
}

// held is a batch that the fleet has to do with; nil if it is not known here.
func (w *worker) held(batch string) *heldBatch {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.batches[batch]
}

func (w *worker) heldList() []string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	batches := make([]string, 0, len(w.batches))
	for batch := range w.batches {
		batches = append(batches, batch)
	}
	slices.Sort(batches)
	return batches
}

// refresh reads which batches the fleet has to do with, and what is wanted of each.
// Trouble with one of them leaves the others as they are.
func (w *worker) refresh(ctx context.Context) error {
	open, err := openBatches(ctx, w.bucket)
	if err != nil {
		return err
	}
	if w.only != "" {
		open = slices.DeleteFunc(open, func(batch string) bool { return batch != w.only })
	}
	for _, batch := range open {
		held, err := w.readHeld(ctx, batch)
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			w.note(batch, err.Error())
			if !errors.Is(err, errElsewhere) {
				w.logger.ErrorContext(ctx, "batch cannot be worked on", "batch_id", batch, "err", err, "hint", job.Hint(err))
				w.observer.isBlocked(blockage{err: err, hint: job.Hint(err)})
			}
			continue
		}
		w.note(batch, "")
		w.hold(ctx, held)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for batch := range w.batches {
		if !slices.Contains(open, batch) {
			delete(w.batches, batch)
			delete(w.folders, batch)
			delete(w.trouble, batch)
			delete(w.stuckBy, batch)
		}
	}
	return nil
}

var (
	errNoOrder = errors.New("it is marked as open and has no order")
	// errElsewhere says that a batch is another process' alone.
	errElsewhere = errors.New("no other worker may take part")
)

// readHeld reads what a batch's folder says.
func (w *worker) readHeld(ctx context.Context, batch string) (*heldBatch, error) {
	o, err := readOrder(ctx, w.bucket, batch)
	if err == nil && o == nil {
		err = &job.HintedError{Err: fmt.Errorf("batch %s: %w", batch, errNoOrder), Hint: "submit its manifest again"}
	}
	if err != nil {
		return nil, err
	}
	if o.Local && w.only == "" {
		return nil, fmt.Errorf("batch %s is worked on by enqueue run, without a Redis server: %w", batch, errElsewhere)
	}
	c, err := readControl(ctx, w.bucket, o)
	if err != nil {
		return nil, err
	}
	l, err := w.lane(o)
	if err != nil {
		return nil, err
	}
	var start began
	if _, err := readJSON(ctx, w.bucket, batch+"/"+beganName, &start); err != nil {
		return nil, err
	}
	state, err := readState(ctx, w.bucket, batch)
	if err != nil {
		return nil, err
	}
	if state != nil {
		l.api.keys.remember(state.Keys)
	}
	return &heldBatch{sharedFolder: w.shared(batch), order: o, control: c, lane: l, begun: start.Order == o.ID}, nil
}

// hold takes over what was read of a batch. Jobs that waited because it was paused,
// or for its budget, ask again.
func (w *worker) hold(ctx context.Context, next *heldBatch) {
	w.mu.Lock()
	before := w.batches[next.batch]
	w.batches[next.batch] = next
	w.mu.Unlock()
	if before != nil && before.knows() == next.knows() && before.begun == next.begun {
		return
	}
	w.observer.hasChanged()
	w.logger.InfoContext(ctx, "order heard of", "batch_id", next.batch, "order", next.order.ID, "state", string(next.control.State))
	w.wakeLane(ctx, next.lane)
}

// began notes that the order of a batch has begun.
func (w *worker) began(held *heldBatch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := w.batches[held.batch]; now != nil && now.order.ID == held.order.ID {
		next := *now
		next.begun = true
		w.batches[held.batch] = &next
	}
}

// laneNamed returns the lane of this name.
func (w *worker) laneNamed(name string) (*lane, error) {
	parts := strings.SplitN(name, "/", 3)
	if len(parts) < 2 {
		return nil, fmt.Errorf("lane %q: not a pool and a mode", name)
	}
	o := &order{Pool: parts[0], Mode: job.Mode(parts[1])}
	if len(parts) == 3 {
		o.Own, o.Batch = true, parts[2]
	}
	return w.lane(o)
}
