package worker

import (
	"context"
	"errors"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/report"
)

// finish ends a submission: what is still held is given back, the logs become whole objects,
// what was spent, report and contact sheet are written, and the fleet has no more to do
// with the batch. It can be repeated.
func (s *leader) finish(ctx context.Context, held *knownBatch, end Ending) error {
	for _, name := range []string{"results.jsonl", "errors.jsonl", "_nightshift/attempts.jsonl"} {
		if err := s.Bucket.Compact(ctx, s.batch+"/"+name); err != nil {
			return err
		}
	}
	fold, err := held.Fold(ctx)
	if err != nil {
		return err
	}
	if err := held.EndGrants(ctx, s.admission, fold, fold.InFlight()); err != nil {
		return err
	}
	if err := fold.WriteCheckpoint(ctx, s.Bucket); err != nil {
		return err
	}
	if _, err := s.Bucket.Sweep(ctx, s.batch); err != nil {
		return err
	}
	if err := s.noteKeys(ctx, held, nil); err != nil {
		return err
	}
	if err := s.keepCeilings(ctx, held.lane); err != nil {
		return err
	}
	report, err := s.report(ctx, held, end)
	if err != nil {
		return err
	}
	s.Logger.InfoContext(ctx, "submission ended", "batch_id", s.batch, "submission", held.submission.ID, "outcome", string(report.State),
		"succeeded", report.Counts.Succeeded, "failed", report.Counts.Failed, "cu", report.Spend.Spent.String())
	return s.close(ctx, held)
}

// keepCeilings notes what was learned of the lane's teams where it outlives Redis.
func (s *leader) keepCeilings(ctx context.Context, l *lane) error {
	learned, err := l.limiter.Learned(ctx)
	if err != nil {
		return err
	}
	return batch.KeepCeilings(ctx, s.Bucket, l.mode, learned)
}

// report writes what was spent, thumbnails that are missing, report.json and the contact
// sheet.
func (s *leader) report(ctx context.Context, held *knownBatch, end Ending) (report.Report, error) {
	fold, err := held.Fold(ctx)
	if err == nil {
		err = fold.WriteSpend(ctx, s.Bucket)
	}
	if err != nil {
		return report.Report{}, err
	}
	start, err := readStart(ctx, held)
	if err != nil {
		return report.Report{}, err
	}
	o := held.submission
	sums := report.Report{
		Batch: o.Name, Mode: o.Mode, State: end.Outcome, Order: o.ID, Started: start.At, Ended: time.Now().UTC(),
		Counts: report.Counts{Jobs: o.Jobs, Kept: o.Kept + start.Found, FailedBefore: o.FailedBefore + start.Refused, Waiting: o.Waiting},
	}
	if end.Err != nil {
		sums.Reason, sums.Hint = end.Err.Error(), end.Hint
	}
	if err := report.Tally(ctx, held.Log, &sums); err != nil {
		return sums, err
	}
	sums.FillSpend(fold)
	sums.Spend.FailedBefore = o.FailedBeforeCost
	if err := s.workDone(ctx, held, &sums); err != nil {
		return sums, err
	}
	if err := s.thumbs.complete(ctx, &held.Folder); err != nil {
		return sums, err
	}
	return sums, report.Publish(ctx, s.Bucket, s.batch, held.Log, &sums)
}

// close says that the submission is over. Another one
// that came in the meantime stays as it is.
func (s *leader) close(ctx context.Context, held *knownBatch) error {
	if err := s.lease.Sure(ctx); err != nil {
		return err
	}
	if err := held.lane.engine.Load().queue.Forget(ctx, s.batch); err != nil {
		return err
	}
	now, err := batch.ReadSubmission(ctx, s.Bucket, s.batch)
	if err != nil {
		return err
	}
	if err := batch.CloseBatch(ctx, s.Bucket, held.submission, now); err != nil {
		return err
	}
	if err := errors.Join(s.fleet.DropFeed(ctx, s.admission.Epoch(), s.batch), s.fleet.DropWork(ctx, s.batch, held.submission.ID), s.fleet.Announce(ctx)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if current := s.batches[s.batch]; current != nil && current.submission.ID == held.submission.ID {
		delete(s.batches, s.batch)
	}
	s.Observer.hasChanged()
	return nil
}

// ReportEarly reports on a batch that did not come to its end, once this worker has
// stopped. Where nothing of it has begun there is nothing to report.
func (w *Worker) ReportEarly(ctx context.Context, batch string, end Ending) error {
	held := w.known(batch)
	if held == nil {
		return nil
	}
	if err := w.noteKeys(ctx, held, nil); err != nil {
		return err
	}
	_, err := (&leader{Worker: w, batch: batch}).report(ctx, held, end)
	return err
}

// Ending is how a submission ended.
type Ending struct {
	Outcome report.Outcome
	Err     error  // why it was stopped
	Hint    string // what a person can do about it
}
