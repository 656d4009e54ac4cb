package runner

import (
	"context"
	"time"

	"nightshift/internal/job"
)

// sweep makes tasks anew that the queue has lost, so that every unfinished job
// has one. A task made twice does no harm.
func (w *watcher) sweep(ctx context.Context) error {
	if err := w.sweepSending(ctx); err != nil {
		return err
	}
	if err := w.sweepQueued(ctx); err != nil {
		return err
	}
	return w.sweepStoring(ctx)
}

// sweepSending finds jobs whose process died between its mark and its receipt.
func (w *watcher) sweepSending(ctx context.Context) error {
	sending, err := w.records(ctx, job.Sending)
	if err != nil {
		return err
	}
	for _, rec := range sending {
		if time.Since(rec.Since) < sendLimit {
			continue
		}
		unknown := job.Change{From: []job.State{job.Sending}, To: job.Unknown}
		if _, err := takenOver(w.Store.Change(ctx, rec, unknown)); err != nil {
			return err
		}
	}
	return nil
}

func (w *watcher) sweepQueued(ctx context.Context) error {
	for _, state := range []job.State{job.Queued, job.Admitted} {
		queued, err := w.records(ctx, state)
		if err != nil {
			return err
		}
		for _, rec := range queued {
			if err := w.requeue(ctx, rec); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *watcher) requeue(ctx context.Context, rec *job.Record) error {
	there, err := w.Tasks.Submitting(ctx, rec.Ref, rec.Generation, rec.Priority)
	if err != nil || there || time.Since(rec.Since) < sweepTick {
		return err // a feeder may be about to enqueue it
	}
	return w.renew(ctx, rec, func(generation int) error {
		return w.Tasks.Enqueue(ctx, rec.Ref, generation, rec.Priority)
	})
}

func (w *watcher) sweepStoring(ctx context.Context) error {
	storing, err := w.records(ctx, job.Storing)
	if err != nil {
		return err
	}
	for _, rec := range storing {
		there, err := w.Tasks.Collecting(ctx, rec.Ref, rec.Generation)
		if err != nil {
			return err
		}
		if there || time.Since(rec.Since) < sweepTick {
			continue // a watcher may be about to wake it
		}
		err = w.renew(ctx, rec, func(generation int) error { return w.Tasks.Park(ctx, rec.Ref, generation, 0) })
		if err != nil {
			return err
		}
	}
	return nil
}

// renew gives the job tasks of the next generation: the ids of the old ones may
// be taken for ever.
func (w *watcher) renew(ctx context.Context, rec *job.Record, enqueue func(generation int) error) error {
	next := job.Change{From: []job.State{rec.State}, To: rec.State, Generation: rec.Generation + 1}
	if taken, err := takenOver(w.Store.Change(ctx, rec, next)); taken || err != nil {
		return err
	}
	w.Logger.WarnContext(ctx, "queue lost a task, made it anew", w.attrs(rec, "state", string(rec.State))...)
	return enqueue(next.Generation)
}
