package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/view"
)

// checkRoll refuses to make again what would be the same image.
func (o *retryOptions) checkRoll() error {
	switch {
	case o.rejected && !o.newSeeds:
		return &job.InputError{Err: &job.HintedError{
			Err: errors.New("--rejected by itself would make the same images and pay them again"), Hint: "add --new-seeds, and other seeds are drawn for the rejected rows",
		}}
	case o.newSeeds && !o.rejected:
		return &job.InputError{Err: &job.HintedError{
			Err: errors.New("--new-seeds says not which images"), Hint: "add --rejected, after marking images with enqueue pick --reject or in the contact sheet",
		}}
	case o.replacePicked && !o.rejected:
		return &job.InputError{Err: &job.HintedError{
			Err: errors.New("--replace-picked is for rows that are rolled again: what has failed replaces no image"), Hint: "leave it out, or add --rejected --new-seeds",
		}}
	case o.rejected && len(o.kinds) > 0:
		return &job.InputError{Err: errors.New("--kind chooses among jobs that failed, --rejected among images that were made: use one at a time")}
	default:
		return nil
	}
}

// roll makes other images in place of the rejected ones: it plans the manifest of the batch
// with a roll more for their rows, and runs or submits it as it was before. The rolls are
// noted with the submission, so that nothing has changed where that is refused.
func roll(ctx context.Context, p app.Process, s config.Settings, arg string, o retryOptions) error {
	var r *rolled
	err := view.With(ctx, p, s, func(v *view.View) (err error) {
		r, err = rejectedRows(ctx, v, arg, o.replacePicked)
		return err
	})
	if err != nil {
		return err
	}
	for _, why := range r.Left {
		fmt.Fprintln(p.Stderr, "not rolled again: "+why)
	}
	if len(r.Rows) == 0 {
		return r.nothing()
	}
	if r.local {
		return run(ctx, p, s, r.file, runOptions{out: r.out, json: o.json, rolling: r.Rows, replacePicked: o.replacePicked, yes: o.yes, origin: r.origin})
	}
	return submit(ctx, p, s, r.file, submitOptions{json: o.json, rolling: r.Rows, replacePicked: o.replacePicked, yes: o.yes, origin: r.origin})
}

// rolled are the rows of a batch that are rolled again.
type rolled struct {
	*batch.Rolling
	batch  string
	file   string // the manifest
	origin originOptions
	local  bool   // enqueue run made the batch
	out    string // the folder of its batches, "" for that of the settings
}

// nothing says that no row is rolled. It is wrong input only where some were meant.
func (r *rolled) nothing() error {
	if len(r.Left) > 0 {
		return &job.InputError{Err: fmt.Errorf("no rejected row of batch %s can be rolled again; nothing was submitted", r.batch)}
	}
	return &job.InputError{Err: &job.HintedError{
		Err: fmt.Errorf("no image of batch %s is rejected", r.batch), Hint: "mark images with enqueue pick --reject, or in the contact sheet",
	}}
}

func rejectedRows(ctx context.Context, v *view.View, arg string, replacePicked bool) (*rolled, error) {
	id, err := v.Find(ctx, arg)
	if err != nil {
		return nil, err
	}
	submission, err := batch.ReadSubmission(ctx, v.Bucket, id)
	if err != nil {
		return nil, err
	}
	if submission == nil {
		return nil, &job.InputError{Err: &job.HintedError{
			Err: fmt.Errorf("batch %s was never submitted", id), Hint: "submit its manifest, or run it with enqueue run",
		}}
	}
	r := &rolled{batch: id, local: submission.Local, file: arg}
	if !isFile(arg) {
		r.file = submission.File
		if submission.Renamed {
			r.origin.name = submission.Name
		}
	}
	if !isFile(r.file) {
		return nil, &job.InputError{Err: &job.HintedError{
			Err:  fmt.Errorf("batch %s was submitted from %s, which is not here, and other seeds need a new plan", id, r.file),
			Hint: "give its manifest in place of the batch: enqueue retry FILE --rejected --new-seeds",
		}}
	}
	if place := v.Bucket.Path(""); r.local && !strings.Contains(place, "://") {
		r.out = place
	}
	folder := batch.NewFolder(v.Bucket, id)
	r.Rolling, err = folder.Rolling(ctx, submission.Plan, replacePicked)
	return r, err
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
