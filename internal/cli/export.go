package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/config"
	"nightshift/internal/export"
	"nightshift/internal/text"
	"nightshift/internal/view"
)

type exportOptions struct {
	export.Options
	json bool
}

// exportImages is the command export: it copies images of a batch into a folder.
func exportImages(ctx context.Context, p app.Process, s config.Settings, arg, dir string, o exportOptions) error {
	return view.With(ctx, p, s, func(v *view.View) error {
		id, err := v.Find(ctx, arg)
		if err != nil {
			return err
		}
		done, err := export.Images(ctx, batch.NewFolder(v.Bucket, id), dir, o.Options)
		if err != nil {
			return err
		}
		if o.json {
			err = text.WriteJSON(p.Stdout, done)
		} else {
			_, err = fmt.Fprint(p.Stdout, exportedWords(done, o.Picked))
		}
		if err == nil && len(done.NotThere) > 0 {
			err = app.ErrSomeFailed
		}
		return err
	})
}

// exportedWords are what came of copying images as a person reads it.
func exportedWords(d *export.Result, picked bool) string {
	var words strings.Builder
	what := "image"
	if picked {
		what = "picked image"
	}
	fmt.Fprintf(&words, "%s: %s copied to %s", d.Batch, text.Count(d.Copied, what), filepath.Clean(d.Dir))
	if d.There > 0 {
		fmt.Fprintf(&words, ", %s there already", text.Number(d.There))
	}
	words.WriteByte('\n')
	for _, r := range d.NotThere {
		fmt.Fprintf(&words, "not copied: %s of row %s: %s\n", r.Image, r.Row, r.Reason)
	}
	return words.String()
}
