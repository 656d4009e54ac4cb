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
		f.sent = results.NewSharedSent(w.bucket, batch)
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
	for _, batch := range open {
		held, err := w.readHeld(ctx, batch)
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			w.note(batch, err.Error())
			w.logger.ErrorContext(ctx, "batch cannot be worked on", "batch_id", batch, "err", err, "hint", job.Hint(err))
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
		}
	}
	return nil
}

var errNoOrder = errors.New("it is marked as open and has no order")

// readHeld reads what a batch's folder says.
func (w *worker) readHeld(ctx context.Context, batch string) (*heldBatch, error) {
	o, err := readOrder(ctx, w.bucket, batch)
	if err == nil && o == nil {
		err = &job.HintedError{Err: fmt.Errorf("batch %s: %w", batch, errNoOrder), Hint: "submit its manifest again"}
	}
	if err != nil {
		return nil, err
	}
	c, err := readControl(ctx, w.bucket, o)
	if err != nil {
		return nil, err
	}
	l, err := w.lane(o)
	if err != nil {
		return nil, err
	}
	state, err := readState(ctx, w.bucket, batch)
	if err != nil {
		return nil, err
	}
	if state != nil {
		l.api.keys.remember(state.Keys)
	}
	return &heldBatch{sharedFolder: w.shared(batch), order: o, control: c, lane: l}, nil
}

// hold takes over what was read of a batch. Jobs that waited because it was paused,
// or for its budget, ask again.
func (w *worker) hold(ctx context.Context, next *heldBatch) {
	w.mu.Lock()
	before := w.batches[next.batch]
	w.batches[next.batch] = next
	w.mu.Unlock()
	if before != nil && before.order.ID == next.order.ID && before.control.State == next.control.State {
		return
	}
	w.logger.InfoContext(ctx, "batch has another order or control", "batch_id", next.batch, "order", next.order.ID, "state", next.control.State)
	if e := next.lane.engine.Load(); e != nil {
		if err := e.queue.WakeLane(ctx); err != nil {
			w.logger.WarnContext(ctx, "waiting jobs not woken, they come back at their own time", "batch_id", next.batch, "err", err)
		}
	}
}

// laneNamed returns the lane of this name.
func (w *worker) laneNamed(name string) (*lane, error) {
	pool, mode, found := strings.Cut(name, "/")
	if !found {
		return nil, fmt.Errorf("lane %q: not a pool and a mode", name)
	}
	return w.lane(&order{Pool: pool, Mode: job.Mode(mode)})
}
