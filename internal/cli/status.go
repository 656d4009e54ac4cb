package cli

import (
	"context"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/progress"
	"nightshift/internal/view"
)

type statusOptions struct {
	json bool
}

// status is the command status: how batches and workers stand.
func status(ctx context.Context, p app.Process, s config.Settings, args []string, o statusOptions) error {
	return view.With(ctx, p, s, func(v *view.View) error {
		batches, err := v.FindAll(ctx, args)
		if err != nil {
			return err
		}
		seen, err := v.Status(ctx, batches)
		if err != nil {
			return err
		}
		if o.json {
			return view.WriteIndented(p.Stdout, seen)
		}
		return seen.Write(p.Stdout, progress.StyleOf(p.Stdout, p.Environ, false, false), time.Now())
	})
}
