package cli

import (
	"context"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/view"
)

// watch is the command watch: it shows how a batch goes on until it is over.
func watch(ctx context.Context, p app.Process, s config.Settings, args []string, o view.WatchOptions) error {
	return view.With(ctx, p, s, func(v *view.View) error {
		batch, err := v.TheOne(ctx, args)
		if err != nil {
			return err
		}
		of, err := v.Of(ctx, batch)
		if err != nil {
			return err
		}
		return of.Watch(ctx, batch, time.Now(), o)
	})
}
