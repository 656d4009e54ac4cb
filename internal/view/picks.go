package view

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"nightshift/internal/batch"
	"nightshift/internal/report"
)

// Mark notes marks of images of a batch, and shows them in its report and contact sheet.
func (v *View) Mark(ctx context.Context, id string, request *batch.MarkRequest) (*batch.Marked, error) {
	folder := batch.NewFolder(v.Bucket, id)
	marked, err := folder.Mark(ctx, request)
	if err != nil {
		return nil, err
	}
	if marked.Noted > 0 && !marked.DryRun {
		if err := v.showPicks(ctx, id); err != nil {
			return nil, fmt.Errorf("the marks are noted, but report and contact sheet were not drawn again: %w", err)
		}
	}
	return marked, nil
}

// showPicks draws report and contact sheet of a batch again, with the marks as they are now.
// Those of a batch that goes on, or has none yet, are drawn at its end.
func (v *View) showPicks(ctx context.Context, id string) (err error) {
	unlock, err := batch.LockDrawing(ctx, v.Bucket, id)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	open, err := batch.OpenBatches(ctx, v.Bucket)
	if err != nil {
		return err
	}
	r, err := ReadBatchInfo(ctx, v.Bucket, id, slices.Contains(open, id))
	if err != nil || r.Open || r.Report == nil {
		return err
	}
	return report.Publish(ctx, v.Bucket, id, batch.NewLog(v.Bucket, id), r.Report)
}
