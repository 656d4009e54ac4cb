package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/progress"
	"nightshift/internal/text"
	"nightshift/internal/view"
)

type lsOptions struct {
	json bool
	open bool // only open batches
}

// listAtOnce is how many batches are read at a time.
const listAtOnce = 16

// listedBatch is a batch in the list of all. The names of its JSON stay.
type listedBatch struct {
	Batch string     `json:"batch"`
	Name  string     `json:"name"`
	Mode  job.Mode   `json:"mode"`
	State view.State `json:"state"`
	Jobs  int        `json:"jobs"` // in the plan
	Kept  int        `json:"kept"` // from before its last submission
	// Of a batch that is over: what its last submission came to.
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	NotRun    int `json:"notRun"`
	// FailedBefore were refused for their content and charged, and were not run again.
	FailedBefore int `json:"failedBefore,omitempty"`
	// Images are all of the batch: those that were made, or of one that goes on, those of its
	// plan.
	Images int `json:"images"`
	// CU are what it has spent so far, of one that is over; else what its submission costs by
	// the plan.
	CU        job.CU    `json:"cu"`
	Submitted time.Time `json:"submitted,omitzero"`
	Ended     time.Time `json:"ended,omitzero"`

	missing int // jobs without images, of a batch that is over
}

// ls is the command ls: all batches of the bucket. It reads no logs.
func ls(ctx context.Context, p app.Process, s config.Settings, o lsOptions) error {
	return view.With(ctx, p, s, func(v *view.View) error {
		listed, err := list(ctx, v.Bucket, o.open)
		if err != nil {
			return err
		}
		if o.json {
			return view.WriteIndented(p.Stdout, map[string]any{"batches": listed})
		}
		if len(listed) == 0 {
			_, err := fmt.Fprintln(p.Stdout, "no batches in "+v.Bucket.Path(""))
			return err
		}
		rows := make([][]string, len(listed))
		for i, b := range listed {
			rows[i] = b.row(time.Now())
		}
		return progress.Table(p.Stdout, progress.StyleOf(p.Stdout, p.Environ, false, false), []string{"BATCH", "STATE", "JOBS", "FAILED", "IMAGES", "CU", "WHEN"}, rows)
	})
}

// list are the batches, those that something happened to last first.
func list(ctx context.Context, b bucket.Objects, openOnly bool) ([]listedBatch, error) {
	open, err := batch.OpenBatches(ctx, b)
	if err != nil {
		return nil, err
	}
	batches := open
	if !openOnly {
		if batches, err = batch.BatchesOf(ctx, b); err != nil {
			return nil, err
		}
	}
	listed := make([]listedBatch, len(batches))
	reading, ctx := errgroup.WithContext(ctx)
	reading.SetLimit(listAtOnce)
	for i, batch := range batches {
		reading.Go(func() error {
			r, err := view.ReadBatchInfo(ctx, b, batch, slices.Contains(open, batch))
			switch {
			case errors.Is(err, job.ErrDamaged):
				r = &view.BatchInfo{Batch: batch}
				listed[i] = listedBatch{Batch: batch, Name: r.Name(), Mode: r.Mode(), State: view.StateDamaged}
				return nil
			case err != nil:
				return err
			}
			listed[i] = listedOf(r)
			return nil
		})
	}
	if err := reading.Wait(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(listed, func(a, b listedBatch) int {
		return cmp.Or(b.when().Compare(a.when()), cmp.Compare(a.Batch, b.Batch))
	})
	return listed, nil
}

func listedOf(r *view.BatchInfo) listedBatch {
	b := listedBatch{Batch: r.Batch, Name: r.Name(), Mode: r.Mode(), State: r.State()}
	if r.Submission != nil {
		b.Jobs, b.Kept, b.Images, b.CU, b.Submitted = r.Submission.Jobs, r.Submission.Kept, max(r.Submission.AllImages, r.Submission.Images), r.Submission.Cost, r.Submission.Planned
	}
	if r.Report != nil && (r.Submission == nil || r.Over()) {
		c := r.Report.Counts
		b.Jobs, b.Kept, b.Succeeded, b.Failed, b.NotRun, b.Images = c.Jobs, c.Kept, c.Succeeded, c.Failed, c.NotRun, c.Images
		b.FailedBefore = c.FailedBefore
		b.missing = c.Missing()
		if r.Report.Whole.Images > 0 {
			b.Images = r.Report.Whole.Images
		}
		b.CU, b.Ended = r.Report.Spend.Spent, r.Report.Ended
	}
	return b
}

// when is when something happened to the batch last.
func (b *listedBatch) when() time.Time {
	if !b.Ended.IsZero() {
		return b.Ended
	}
	return b.Submitted
}

func (b *listedBatch) row(now time.Time) []string {
	failed := "-"
	if !b.Ended.IsZero() {
		failed = strconv.Itoa(b.Failed + b.FailedBefore)
	}
	return []string{b.Batch, b.State.Words(b.missing), strconv.Itoa(b.Jobs), failed, strconv.Itoa(b.Images), b.CU.String(), whenWords(b.when(), now)}
}

// whenWords is a time of this day, or a day.
func whenWords(at, now time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return text.Clock(at, now)
}
