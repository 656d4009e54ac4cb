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
	// What its last submission came to, or is at.
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	NotRun    int `json:"notRun"`
	// FailedBefore were refused for their content and charged, and were not run again.
	FailedBefore int `json:"failedBefore,omitempty"`
	// Waiting wait for a pick.
	Waiting int `json:"waiting,omitempty"`
	// Images are all of the batch that are there, and AllImages those of its plan.
	Images    int `json:"images"`
	AllImages int `json:"allImages,omitempty"`
	// CU are what it has spent so far.
	CU        job.CU    `json:"cu"`
	Submitted time.Time `json:"submitted,omitzero"`
	Ended     time.Time `json:"ended,omitzero"`

	missing int // jobs without images, of a batch that is over
}

// ls is the command ls: all batches of the bucket. It reads the logs only of those that
// have not come to their end, and of which no Redis can be asked.
func ls(ctx context.Context, p app.Process, s config.Settings, o lsOptions) error {
	return view.With(ctx, p, s, func(v *view.View) error {
		listed, err := list(ctx, v, o.open)
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
func list(ctx context.Context, v *view.View, openOnly bool) ([]listedBatch, error) {
	open, err := batch.OpenBatches(ctx, v.Bucket)
	if err != nil {
		return nil, err
	}
	batches := open
	if !openOnly {
		if batches, err = batch.BatchesOf(ctx, v.Bucket); err != nil {
			return nil, err
		}
	}
	infos, err := readInfos(ctx, v.Bucket, batches, open)
	if err != nil {
		return nil, err
	}
	listed := make([]listedBatch, len(batches))
	for i, info := range infos {
		if listed[i], err = listedOf(ctx, v, info, batches[i]); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(listed, func(a, b listedBatch) int {
		return cmp.Or(b.when().Compare(a.when()), cmp.Compare(a.Batch, b.Batch))
	})
	return listed, nil
}

// readInfos reads what the bucket says of batches; nil of one that is damaged.
func readInfos(ctx context.Context, b bucket.Objects, batches, open []string) ([]*view.BatchInfo, error) {
	infos := make([]*view.BatchInfo, len(batches))
	reading, ctx := errgroup.WithContext(ctx)
	reading.SetLimit(listAtOnce)
	for i, id := range batches {
		reading.Go(func() error {
			info, err := view.ReadBatchInfo(ctx, b, id, slices.Contains(open, id))
			if errors.Is(err, job.ErrDamaged) {
				return nil
			}
			infos[i] = info
			return err
		})
	}
	return infos, reading.Wait()
}

// listedOf is how a batch stands; info is nil of one that is damaged.
func listedOf(ctx context.Context, v *view.View, info *view.BatchInfo, id string) (listedBatch, error) {
	if info != nil {
		b, err := v.Standing(ctx, info)
		if err == nil {
			return listedStanding(b), nil
		}
		if !errors.Is(err, job.ErrDamaged) {
			return listedBatch{}, err
		}
	}
	damaged := &view.BatchInfo{Batch: id}
	return listedBatch{Batch: id, Name: damaged.Name(), Mode: damaged.Mode(), State: view.StateDamaged}, nil
}

func listedStanding(b *view.BatchStatus) listedBatch {
	return listedBatch{
		Batch: b.Batch, Name: b.Name, Mode: b.Mode, State: b.State,
		Jobs: b.Jobs.Total, Kept: b.Jobs.Kept, Succeeded: b.Jobs.Succeeded, Failed: b.Jobs.Failed, NotRun: b.Jobs.NotRun, FailedBefore: b.Jobs.FailedBefore, Waiting: b.Jobs.Waiting,
		Images: b.Images.Done, AllImages: b.Images.Total, CU: b.CU.Spent, Submitted: b.Submitted, Ended: b.Ended,
		missing: b.Jobs.Missing(),
	}
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
	if !b.Ended.IsZero() || b.Failed+b.FailedBefore > 0 {
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
