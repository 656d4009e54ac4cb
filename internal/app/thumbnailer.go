package app

import (
	"context"
	"log/slog"
	"sync"

	"nightshift/internal/bucket"
	"nightshift/internal/job"
	"nightshift/internal/results"
)

// thumbnailer makes thumbnails beside the run, so that the contact sheet is ready
// soon after the last image. What it does not keep up with is made at the end.
type thumbnailer struct {
	thumbnails *results.Thumbnails
	batch      string
	logger     *slog.Logger
	workers    sync.WaitGroup

	mu      sync.Mutex
	queue   chan job.Image
	stopped bool
}

const (
	thumbnailWorkers = 2
	thumbnailQueue   = 512
)

func newThumbnailer(ctx context.Context, b *bucket.Local, batch string, logger *slog.Logger) *thumbnailer {
	t := &thumbnailer{
		thumbnails: results.NewThumbnails(b), batch: batch, logger: logger,
		queue: make(chan job.Image, thumbnailQueue),
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

// landed takes the images of a result; those for which there is no room now are
// left to complete.
func (t *thumbnailer) landed(result job.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, image := range result.Images {
		if t.stopped { // a handler that came back after the drain time
			return
		}
		select {
		case t.queue <- image:
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
func (t *thumbnailer) complete(ctx context.Context, log *results.Log) error {
	for result, err := range log.Succeeded(ctx) {
		if err != nil {
			return err
		}
		for _, image := range result.Images {
			t.make(ctx, image)
		}
	}
	return nil
}

// make makes one. The contact sheet shows the image itself where that fails.
func (t *thumbnailer) make(ctx context.Context, image job.Image) {
	if err := t.thumbnails.Make(ctx, t.batch, image); err != nil && ctx.Err() == nil {
		t.logger.WarnContext(ctx, "thumbnail not made", "batch_id", t.batch, "key", image.Key, "err", err)
	}
}
