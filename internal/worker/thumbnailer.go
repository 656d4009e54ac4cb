package worker

import (
	"context"
	"log/slog"
	"sync"

	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/job"
	"nightshift/internal/report"
)

// thumbnailer makes thumbnails beside the run, so that the contact sheet is ready
// soon after the last image. What it does not keep up with is made at the end.
type thumbnailer struct {
	thumbnails *report.Thumbnails
	logger     *slog.Logger
	workers    sync.WaitGroup

	mu      sync.Mutex
	queue   chan storedImage
	stopped bool
}

// storedImage is an image of a batch.
type storedImage struct {
	batch string
	job.Image
}

const (
	thumbnailWorkers = 2
	thumbnailQueue   = 512
)

func newThumbnailer(ctx context.Context, b bucket.Objects, logger *slog.Logger) *thumbnailer {
	t := &thumbnailer{
		thumbnails: report.NewThumbnails(b), logger: logger,
		queue: make(chan storedImage, thumbnailQueue),
	}
	for range thumbnailWorkers {
		t.workers.Go(func() {
			for image := range t.queue {
				t.make(context.WithoutCancel(ctx), image)
			}
		})
	}
	return t
}

// add takes the images of a result; those for which there is no room now are
// left to complete.
func (t *thumbnailer) add(batch string, result job.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, image := range result.Images {
		if t.stopped { // a handler that came back after the drain time
			return
		}
		select {
		case t.queue <- storedImage{batch, image}:
		default:
		}
	}
}

// stop waits for the thumbnails that were begun or queued.
func (t *thumbnailer) stop() {
	t.mu.Lock()
	t.stopped = true
	close(t.queue)
	t.mu.Unlock()
	t.workers.Wait()
}

// complete makes those that are missing.
func (t *thumbnailer) complete(ctx context.Context, f *batch.Folder) error {
	for result, err := range f.Log.Succeeded(ctx) {
		if err != nil {
			return err
		}
		for _, image := range result.Images {
			t.make(ctx, storedImage{f.Batch, image})
		}
	}
	return nil
}

// make makes one. The contact sheet shows the image itself where that fails.
func (t *thumbnailer) make(ctx context.Context, image storedImage) {
	if err := t.thumbnails.Make(ctx, image.batch, image.Image); err != nil && ctx.Err() == nil {
		t.logger.WarnContext(ctx, "thumbnail not made", "batch_id", image.batch, "object_key", image.Key, "err", err)
	}
}
