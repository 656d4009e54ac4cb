package app

import (
	"context"
	"errors"
	"time"

	"nightshift/internal/results"
)

// finish ends an order: what is still held is given back, report and contact sheet
// are written, the logs become whole objects, and the fleet has no more to do with
// the batch. It can be repeated.
func (s *steward) finish(ctx context.Context, held *heldBatch, end ending) error {
	if err := s.settle(ctx, held); err != nil {
		return err
	}
	if _, err := s.bucket.Sweep(ctx, s.batch); err != nil {
		return err
	}
	report, err := s.report(ctx, held, end)
	if err != nil {
		return err
	}
	for _, name := range []string{"results.jsonl", "errors.jsonl", "spend.jsonl"} {
		if err := s.bucket.Compact(ctx, s.batch+"/"+name); err != nil {
			return err
		}
	}
	if err := held.journal.Checkpoint(ctx); err != nil {
		return err
	}
	s.logger.InfoContext(ctx, "order is over", "batch_id", s.batch, "order", held.order.ID, "outcome", string(end.outcome),
		"succeeded", report.Counts.Succeeded, "failed", report.Counts.Failed, "cu", report.Journal.Spent.String())
	return s.close(ctx, held)
}

// settle gives back what attempts hold that are over or were never sent, and empties
// the list of what was sent if nothing of it is open.
func (s *steward) settle(ctx context.Context, held *heldBatch) error {
	exporter := s.exporterOf(held)
	if err := exporter.drain(ctx); err != nil {
		return err
	}
	t, err := s.takeUp(ctx, held)
	if err != nil {
		return err
	}
	left, err := t.leftovers(ctx)
	if err != nil {
		return err
	}
	if err := t.endOrphans(ctx, left); err != nil {
		return err
	}
	if err := exporter.drain(ctx); err != nil || left.underWay() {
		return err
	}
	if err := s.stillHeld(ctx); err != nil {
		return err
	}
	return held.sent.Clear(ctx)
}

// report writes thumbnails that are missing, report.json and the contact sheet.
func (s *steward) report(ctx context.Context, held *heldBatch, end ending) (results.Report, error) {
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
		report.Reason = end.err.Error()
	}
	if err := held.log.Tally(ctx, &report); err != nil {
		return report, err
	}
	spend, err := held.journal.Spend(ctx)
	if err != nil {
		return report, err
	}
	report.FillJournal(spend)
	if err := s.thumbs.complete(ctx, &held.folder); err != nil {
		return report, err
	}
	if err := results.WriteReport(ctx, s.bucket, s.batch, report); err != nil {
		return report, err
	}
	whole := report
	whole.Started, whole.Counts = time.Time{}, results.Counts{Jobs: o.Jobs}
	if err := held.log.Tally(ctx, &whole); err != nil {
		return report, err
	}
	whole.Started = report.Started
	return report, results.WriteSheet(ctx, s.bucket, s.batch, results.SheetOptions{Report: whole})
}

// close says that the fleet has nothing to do with the order any more. Another one
// that came in the meantime stays as it is.
func (s *steward) close(ctx context.Context, held *heldBatch) error {
	if err := s.stillHeld(ctx); err != nil {
		return err
	}
	if err := held.lane.engine.Load().store.Forget(ctx, s.batch); err != nil {
		return err
	}
	now, err := readOrder(ctx, s.bucket, s.batch)
	if err != nil {
		return err
	}
	if err := closeBatch(ctx, s.bucket, held.order, now); err != nil {
		return err
	}
	if err := errors.Join(s.fleet.DropFeed(ctx, s.admission.Life(), s.batch), s.fleet.Announce(ctx)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if current := s.batches[s.batch]; current != nil && current.order.ID == held.order.ID {
		delete(s.batches, s.batch)
	}
	return nil
}
