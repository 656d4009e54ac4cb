package app

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/progress"
	"nightshift/internal/results"
)

// finishTime bounds report and contact sheet after an interruption.
const finishTime = 2 * time.Minute

// finish writes report and contact sheet, says how the run went, and decides
// whether all is well.
func (r *batchRun) finish(ctx context.Context, end ending) error {
	r.display.phase(progress.Finishing)
	report, err := r.report(context.WithoutCancel(ctx), end)
	if err != nil {
		return err
	}
	if end.outcome == results.Complete {
		r.display.phase(progress.Done)
	} else {
		r.display.phase(progress.Stopping)
	}
	r.display.stop()
	if err := r.summary(end, report).Write(r.display.out, r.display.style); err != nil {
		return err
	}
	switch {
	case end.outcome == results.Interrupted:
		return job.ErrInterrupted
	case end.outcome == results.Stopped && end.hint == "":
		return end.err // unexpected; the others were explained in the summary
	case end.outcome == results.Stopped || report.Counts.Failed+report.Counts.NotRun > 0:
		return errSomeFailed
	default:
		return nil
	}
}

// report writes thumbnails that are missing, report.json and the contact sheet.
// Where the folder does not take them any more, the run's own end is told first.
func (r *batchRun) report(ctx context.Context, end ending) (results.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, finishTime)
	defer cancel()
	report := results.Report{
		Batch: r.manifest.Name, Mode: r.manifest.Mode, State: end.outcome,
		Started: r.started, Ended: time.Now(),
		Counts:        results.Counts{Jobs: r.plan.Jobs, Kept: r.plan.Kept},
		WaitedSeconds: make(map[job.WaitReason]float64),
	}
	if end.err != nil {
		report.Reason = end.err.Error()
	}
	report.Requests.Total, report.Requests.ByOperation = r.api.requests.snapshot()
	for reason, waited := range r.engine.runner.Waits().Total {
		report.WaitedSeconds[reason] = waited.Seconds()
	}
	err := r.log.Tally(ctx, &report)
	if err == nil {
		err = r.journalSums(ctx, &report)
	}
	if err == nil {
		err = r.thumbs.complete(ctx, &r.folder)
	}
	if err == nil {
		err = results.WriteReport(ctx, r.bucket, r.batch, report)
	}
	if err == nil {
		err = r.sheet(ctx, report)
	}
	return report, errors.Join(err, unexpected(end, err))
}

// journalSums adds what the spend journal of the batch says.
func (r *batchRun) journalSums(ctx context.Context, report *results.Report) error {
	spend, err := r.journal.Spend(ctx)
	if err != nil {
		return err
	}
	report.FillJournal(spend)
	return nil
}

// sheet writes the contact sheet. It shows all images of the batch, so it is headed
// by what all runs made and cost together, and by the requests and time of this one.
func (r *batchRun) sheet(ctx context.Context, report results.Report) error {
	whole := report
	whole.Started, whole.Counts = time.Time{}, results.Counts{Jobs: r.plan.Jobs}
	if err := r.log.Tally(ctx, &whole); err != nil {
		return err
	}
	whole.Started = report.Started
	return results.WriteSheet(ctx, r.bucket, r.batch, results.SheetOptions{Report: whole})
}

// unexpected repeats why a run was stopped when its report could not be written
// either, as on a full disk.
func unexpected(end ending, reportErr error) error {
	if reportErr == nil {
		return nil
	}
	return end.err
}

// file is where an object of the batch lies, for people.
func (r *batchRun) file(name string) string {
	path := r.bucket.Path(r.batch + "/" + name)
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path
}
