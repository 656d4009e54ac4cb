package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/progress"
	"nightshift/internal/text"
	"nightshift/internal/view"
)

type pickOptions struct {
	file   string // of marks, as a contact sheet saves them
	reject bool   // the images are rejected
	clear  bool   // their marks are taken back
	dryRun bool
	json   bool
	why    string
}

// check refuses what does not go together.
func (o *pickOptions) check(rows []string) error {
	switch {
	case o.reject && o.clear:
		return errors.New("--reject marks images and --clear takes marks back: choose one")
	case o.file != "" && (o.reject || o.clear || o.why != ""):
		return errors.New("--file says itself which images are picked and which rejected; leave out --reject, --clear and --why")
	case o.file != "" && len(rows) > 0:
		return errors.New("name images or a file of marks, not both")
	case len(rows) == 0 && o.file == "" && (o.reject || o.clear || o.why != "" || o.dryRun):
		return errors.New("name the images: rows as enqueue results shows them, ROW:2 for the second image of a row")
	default:
		return nil
	}
}

// mark is the mark that named images get.
func (o *pickOptions) mark() job.Mark {
	switch {
	case o.reject:
		return job.Rejected
	case o.clear:
		return job.Unmarked
	default:
		return job.Picked
	}
}

// pickImages is the command pick: it notes what a person thinks of images, or shows it.
func pickImages(ctx context.Context, p app.Process, s config.Settings, args []string, o pickOptions) error {
	rows := args[1:]
	if err := o.check(rows); err != nil {
		return &job.InputError{Err: err}
	}
	request := batch.MarkRequest{Rows: rows, Mark: o.mark(), Reason: o.why, DryRun: o.dryRun}
	if o.file != "" {
		var err error
		if request.File, err = readPickFile(p, o.file); err != nil {
			return err
		}
	}
	return view.With(ctx, p, s, func(v *view.View) error {
		id, err := v.Find(ctx, args[0])
		if err != nil {
			return err
		}
		request.Arg = view.Arg(ctx, v.Bucket, id)
		done, err := v.Mark(ctx, id, &request)
		if err != nil {
			return err
		}
		if o.json {
			err = text.WriteJSON(p.Stdout, done)
		} else {
			_, err = fmt.Fprint(p.Stdout, markedWords(done, &request))
		}
		if err == nil && len(done.NotTaken) > 0 {
			err = app.ErrSomeFailed
		}
		return err
	})
}

// readPickFile reads a file that a contact sheet has saved, "-" from the standard input.
func readPickFile(p app.Process, file string) (*batch.PickFile, error) {
	from := p.Stdin
	if file == standardInput && p.Stdin == nil {
		return nil, &job.InputError{Err: errors.New("there is no standard input to read marks from")}
	}
	if file != standardInput {
		opened, err := os.Open(file)
		if err != nil {
			return nil, &job.InputError{Err: fmt.Errorf("read the marks: %w", err)}
		}
		defer opened.Close() // only read from
		from = opened
	}
	return batch.ReadPickFile(file, from)
}

// markedWords are what came of marking images as a person reads it, and how to go on.
func markedWords(done *batch.Marked, request *batch.MarkRequest) string {
	var words strings.Builder
	verb := map[job.Mark]string{job.Picked: "picked", job.Rejected: "rejected", job.Unmarked: "unmarked"}
	if done.Noted+done.Unchanged > 0 {
		note := "noted"
		if done.DryRun {
			note = "would be noted"
		}
		fmt.Fprintf(&words, "%s: %s %s", done.Batch, text.Count(done.Noted, "mark"), note)
		if done.Unchanged > 0 {
			fmt.Fprintf(&words, ", %s already so", text.Number(done.Unchanged))
		}
		words.WriteByte('\n')
	}
	for _, c := range done.Changed {
		fmt.Fprintf(&words, "%s was %s (by %s, %s) and is %s now\n", c.Image, verb[c.Was], cmp.Or(c.By, "a person"), text.Moment(c.At), verb[c.Mark])
	}
	for _, r := range done.NotTaken {
		fmt.Fprintf(&words, "not taken: %s of row %s: %s\n", r.Image, r.Row, r.Reason)
	}
	for _, r := range done.Outdated {
		fmt.Fprintf(&words, "note: %s of row %s: %s; copy it to another place with enqueue export, or stop what runs with enqueue cancel %s\n", r.Image, r.Row, r.Reason, request.Arg)
	}
	fmt.Fprintf(&words, "%s: of %s %s\n", done.Batch, text.Count(done.Images, "image"), progress.PickWords(&done.Picks))
	if done.Noted > 0 && !done.DryRun && request.Mark == job.Picked && done.Waiting > 0 {
		fmt.Fprintf(&words, "what is made of the picked ones runs with the next enqueue run of the manifest, or of a fleet with enqueue resume %s\n", request.Arg)
	}
	if done.Rejected > 0 {
		fmt.Fprintf(&words, "enqueue retry %s --rejected --new-seeds makes other images in place of the rejected ones\n", request.Arg)
	}
	return words.String()
}
