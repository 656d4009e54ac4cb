package app

import (
	"context"
	"errors"
	"time"

	"nightshift/internal/results"
)

// finish ends an order: what is still held is given back, the logs become whole objects,
// what was spent, report and contact sheet are written, and the fleet has no more to do
// with the batch. It can be repeated.
func (s *steward) finish(ctx context.Context, held *heldBatch, end ending) error {
	for _, name := range []string{"results.jsonl", "errors.jsonl", "_nightshift/attempts.jsonl"} {
		if err := s.bucket.Compact(ctx, s.batch+"/"+name); err != nil {
			return err
		}
	}
	fold, err := held.fold(ctx)
	if err != nil {
		return err
	}
	if err := held.endGrants(ctx, s.admission, fold, fold.InFlight()); err != nil {
		return err
	}
	if err := fold.WriteCheckpoint(ctx, s.bucket); err != nil {
		return err
	}
	if _, err := s.bucket.Sweep(ctx, s.batch); err != nil {
		return err
	}
	if err := s.noteKeys(ctx, held, nil); err != nil {
		return err
	}
	report, err := s.report(ctx, held, end)
	if err != nil {
		return err
	}
	s.logger.InfoContext(ctx, "order is over", "batch_id", s.batch, "order", held.order.ID, "outcome", string(end.outcome),
		"succeeded", report.Counts.Succeeded, "failed", report.Counts.Failed, "cu", report.Spend.Spent.String())
	return s.close(ctx, held)
}

// report writes what was spent, thumbnails that are missing, report.json and the contact
// sheet.
func (s *steward) report(ctx context.Context, held *heldBatch, end ending) (results.Report, error) {
	fold, err := held.fold(ctx)
	if err == nil {
		err = fold.WriteSpend(ctx, s.bucket)
	}
	if err != nil {
		return results.Report{}, err
	}
	start, err := readBegan(ctx, held)
	if err != nil {
		return results.Report{}, err
	}
	o := held.order
	report := results.Report{
		Batch: o.Name, Mode: o.Mode, State: end.outcome, Started: start.At, Ended: time.Now().UTC(),
		Counts: results.Counts{Jobs: o.Jobs, Kept: o.Kept + start.Found},
	}
	if end.err != nil {
		report.Reason, report.Hint = end.err.Error(), end.hint
	}
	if err := held.log.Tally(ctx, &report); err != nil {
		return report, err
	}
	report.FillSpend(fold)
	if err := s.workDone(ctx, held, &report); err != nil {
		return report, err
	}
	if err := s.thumbs.complete(ctx, &held.folder); err != nil {
		return report, err
	}
	return report, held.publish(ctx, report)
}

// publish writes report.json and the contact sheet. The sheet shows all images of the
// batch, so it is headed by what all submissions made and cost together.
func (f *folder) publish(ctx context.Context, report results.Report) error {
	if err := results.WriteReport(ctx, f.bucket, f.batch, report); err != nil {
		return err
	}
	whole := report
	whole.Started, whole.Counts = time.Time{}, results.Counts{Jobs: report.Counts.Jobs}
	if err := f.log.Tally(ctx, &whole); err != nil {
		return err
	}
	whole.Started = report.Started
	return results.WriteSheet(ctx, f.bucket, f.batch, results.SheetOptions{Report: whole})
}

// close says that the fleet has nothing to do with the order any more. Another one
// that came in the meantime stays as it is.
func (s *steward) close(ctx context.Context, held *heldBatch) error {
	if err := s.lease.Sure(ctx); err != nil {
		return err
	}
	if err := held.lane.engine.Load().queue.Forget(ctx, s.batch); err != nil {
		return err
	}
	now, err := readOrder(ctx, s.bucket, s.batch)
	if err != nil {
		return err
	}
	if err := closeBatch(ctx, s.bucket, held.order, now); err != nil {
		return err
	}
	if err := errors.Join(s.fleet.DropFeed(ctx, s.admission.Life(), s.batch), s.fleet.DropWork(ctx, s.batch, held.order.ID), s.fleet.Announce(ctx)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if current := s.batches[s.batch]; current != nil && current.order.ID == held.order.ID {
		delete(s.batches, s.batch)
	}
	s.observer.hasChanged()
	return nil
}

// reportEarly reports on a batch that did not come to its end, once this worker has
// stopped. Where nothing of it has begun there is nothing to report.
func (w *worker) reportEarly(ctx context.Context, batch string, end ending) error {
	held := w.held(batch)
	if held == nil {
		return nil
	}
	if err := w.noteKeys(ctx, held, nil); err != nil {
		return err
	}
	_, err := (&steward{worker: w, batch: batch}).report(ctx, held, end)
	return err
}

// ending is how an order ended.
type ending struct {
	outcome results.Outcome
	err     error  // why it was stopped
	hint    string // what a person can do about it
}
