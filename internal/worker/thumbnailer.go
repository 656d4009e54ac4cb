package worker

import (
	"context"
	"log/slog"

	"nightshift/internal/batch"
	"nightshift/internal/report"
)

// thumbnailer makes thumbnails: of each image when it is stored, so that the contact sheet
// is ready soon after the last, and at the end those that are missing.
type thumbnailer struct {
	*report.Thumbnails
	logger *slog.Logger
}

// complete makes those that are missing. The contact sheet shows the image itself where
// that fails.
func (t *thumbnailer) complete(ctx context.Context, f *batch.Folder) error {
	for result, err := range f.Log.Succeeded(ctx) {
		if err != nil {
			return err
		}
		for _, image := range result.Images {
			if err := t.Make(ctx, f.Batch, image); err != nil && ctx.Err() == nil {
				t.logger.WarnContext(ctx, "thumbnail not made", "batch_id", f.Batch, "object_key", image.Key, "err", err)
			}
		}
	}
	return nil
}
