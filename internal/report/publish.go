package report

import (
	"context"
	"time"

	"nightshift/internal/batch"
)

// Publish writes report.json and the contact sheet of the batch in this folder. The sheet
// shows all images of the batch, so it is headed by what all submissions made and cost
// together.
func Publish(ctx context.Context, b batch.Bucket, id string, log *batch.Log, r Report) error {
	if err := WriteReport(ctx, b, id, r); err != nil {
		return err
	}
	whole := r
	whole.Started, whole.Counts = time.Time{}, Counts{Jobs: r.Counts.Jobs}
	if err := Tally(ctx, log, &whole); err != nil {
		return err
	}
	whole.Started = r.Started
	return WriteSheet(ctx, b, id, SheetOptions{Report: whole})
}
