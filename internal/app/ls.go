package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/progress"
	"nightshift/internal/text"
)

type lsOptions struct {
	json bool
	open bool // only batches that workers have to do with
}

// listAtOnce is how many batches are read at a time.
const listAtOnce = 16

// listedBatch is a batch in the list of all. The names of its JSON stay.
type listedBatch struct {
	Batch string     `json:"batch"`
	Name  string     `json:"name"`
	Mode  job.Mode   `json:"mode"`
	State standState `json:"state"`
	Jobs  int        `json:"jobs"` // in the plan
	Kept  int        `json:"kept"` // from before its last order
	// Of a batch that is over: what its last order came to.
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	NotRun    int `json:"notRun"`
	Images    int `json:"images"`
	// CU are what it has spent so far, of one that is over; else what its order costs by
	// the plan.
	CU        job.CU    `json:"cu"`
	Submitted time.Time `json:"submitted,omitzero"`
	Ended     time.Time `json:"ended,omitzero"`
}

// ls is the command ls: all batches of the bucket. It reads no logs.
func ls(ctx context.Context, p Process, s config.Settings, o lsOptions) error {
	return withFleet(ctx, p, s, func(v *fleetView) error {
		listed, err := v.list(ctx, o.open)
		if err != nil {
			return err
		}
		if o.json {
			return writeIndented(p.Stdout, map[string]any{"batches": listed})
		}
		if len(listed) == 0 {
			_, err := fmt.Fprintln(p.Stdout, "no batches in "+v.bucket.Path(""))
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
func (v *fleetView) list(ctx context.Context, openOnly bool) ([]listedBatch, error) {
	open, err := openBatches(ctx, v.bucket)
	if err != nil {
		return nil, err
	}
	batches := open
	if !openOnly {
		if batches, err = batchesOf(ctx, v.bucket); err != nil {
			return nil, err
		}
	}
	listed := make([]listedBatch, len(batches))
	reading, ctx := errgroup.WithContext(ctx)
	reading.SetLimit(listAtOnce)
	for i, batch := range batches {
		reading.Go(func() error {
			r, err := readRecord(ctx, v.bucket, batch, slices.Contains(open, batch))
			if err == nil {
				listed[i] = listedOf(r)
			}
			return err
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

func listedOf(r *batchRecord) listedBatch {
	b := listedBatch{Batch: r.batch, Name: r.name(), Mode: r.mode(), State: r.state()}
	if r.order != nil {
		b.Jobs, b.Kept, b.Images, b.CU, b.Submitted = r.order.Jobs, r.order.Kept, r.order.Images, r.order.Cost, r.order.Planned
	}
	if r.report != nil && (r.order == nil || r.over()) {
		c := r.report.Counts
		b.Jobs, b.Kept, b.Succeeded, b.Failed, b.NotRun, b.Images = c.Jobs, c.Kept, c.Succeeded, c.Failed, c.NotRun, c.Images
		b.CU, b.Ended = r.report.Spend.Spent, r.report.Ended
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
		failed = strconv.Itoa(b.Failed)
	}
	return []string{b.Batch, string(b.State), strconv.Itoa(b.Jobs), failed, strconv.Itoa(b.Images), b.CU.String(), whenWords(b.when(), now)}
}

// whenWords is a time of this day, or a day.
func whenWords(at, now time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return text.Clock(at, now)
}
