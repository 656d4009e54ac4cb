package view

import (
	"context"
	"errors"
	"slices"

	"nightshift/internal/batch"
	"nightshift/internal/report"
)

// ShowPicks draws report and contact sheet of a batch again, with the marks as they are now.
// Those of a batch that goes on, or has none yet, are drawn at its end.
func (v *View) ShowPicks(ctx context.Context, id string) (err error) {
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
