package report

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"time"

	"nightshift/internal/batch"
)

// Publish writes report.json and the contact sheet of the batch in this folder. The sheet
// shows all images of the batch, so it is headed by what all submissions made and cost
// together.
//
// What is written is set in r, too.
func Publish(ctx context.Context, b batch.Bucket, id string, log *batch.Log, r *Report) error {
	before, err := secondsBefore(ctx, b, id, r)
	if err != nil {
		return err
	}
	if r.State = r.State.Of(r.Counts.Jobs, r.Counts.Missing()); r.State == Complete {
		r.Reason, r.Hint = "", ""
	}
	whole := *r
	whole.Order, whole.Started, whole.Counts = "", time.Time{}, Counts{Jobs: r.Counts.Jobs}
	picks, err := batch.ReadPicks(ctx, b, id)
	if err != nil {
		return err
	}
	marks, err := tallyWith(ctx, log, &whole, picks)
	if err != nil {
		return err
	}
	r.Whole = Whole{
		Jobs: whole.Counts.Succeeded, Images: whole.Counts.Images,
		Seconds: round(before+r.seconds(), 3), Before: round(before, 3),
	}
	r.Picks = marks.Picks(r.Spend.Spent)
	if err := WriteReport(ctx, b, id, *r); err != nil {
		return err
	}
	whole.Order, whole.Started, whole.Whole, whole.Counts, whole.Picks = r.Order, r.Started, r.Whole, r.Counts, r.Picks
	if r.Spend.Billed > 0 { // it knows of attempts that no result tells, too
		whole.CU.Billed, whole.CU.Refunded = r.Spend.Billed, r.Spend.Refunded
	}
	return WriteSheet(ctx, b, id, SheetOptions{Report: whole, Picks: picks})
}

// secondsBefore is how long the runs took before the one that is reported, by the report
// that is there. A run that is reported again counts once. A report that cannot be read
// tells nothing, and is replaced.
func secondsBefore(ctx context.Context, b batch.Bucket, id string, r *Report) (float64, error) {
	body, err := b.Open(ctx, objectKey(id, reportName))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer body.Close() // only read from
	var last Report
	if err := json.NewDecoder(io.LimitReader(body, batch.MaxJSON)).Decode(&last); err != nil {
		return 0, nil
	}
	if last.Started.Equal(r.Started) {
		return last.Whole.Before, nil
	}
	if last.Whole == (Whole{}) { // of an earlier version
		return last.Durations.Run, nil
	}
	return last.Whole.Seconds, nil
}
