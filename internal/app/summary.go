package app

import (
	"nightshift/internal/progress"
	"nightshift/internal/results"
)

// summary is what the person is told at the end.
func (r *batchRun) summary(end ending, report results.Report) progress.Summary {
	s := progress.Summary{
		Batch: report.Batch, Mode: report.Mode, Outcome: progress.Outcome(report.State),
		Images: report.Counts.Images, Requests: report.Requests.Total, Took: report.Ended.Sub(report.Started),
		Folder: r.file(""), Sheet: r.file("index.html"),
	}
	if end.err != nil && end.outcome == results.Stopped {
		s.Reason, s.Hint = end.err.Error(), end.hint
	}
	c := report.Counts
	s.Jobs.Total, s.Jobs.Succeeded, s.Jobs.Kept, s.Jobs.Failed = c.Jobs, c.Succeeded, c.Kept, c.Failed
	s.Jobs.Cancelled, s.Jobs.NotRun = c.Cancelled, c.NotRun
	s.Failures = report.Failures
	s.CU.Billed, s.CU.Refunded, s.CU.Cap = report.CU.Billed, report.CU.Refunded, r.manifest.Budget
	if len(s.Failures) > 0 {
		s.Errors = r.file("errors.jsonl")
	}
	s.Remote.Inferences, s.Remote.CU, s.Remote.Gone = end.open.Jobs, end.open.CU, r.api.builtIn
	if c.Failed+c.NotRun+c.Cancelled > 0 {
		s.Again = r.again
	}
	return s
}
