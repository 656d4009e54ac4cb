package worker

import (
	"context"
	"io"

	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
	"nightshift/internal/runner"
)

// images gives the runner the bucket.
type images struct{ bucket image.Store }

func metadata(w runner.ImageTarget) image.Metadata {
	return image.Metadata{
		Batch: w.Ref.Batch, Job: w.Ref.ID, Row: w.Row, Model: w.Model, Seed: w.Seed,
		Inference: w.Inference, Asset: w.Asset, Index: w.Index,
	}
}

func (i images) Existing(ctx context.Context, w runner.ImageTarget) (job.Image, bool, error) {
	return i.bucket.Existing(ctx, w.Ref.Batch+"/"+w.Name, metadata(w))
}

func (i images) Store(ctx context.Context, w runner.ImageTarget, body io.Reader, length int64) (job.Image, error) {
	return i.bucket.PutImage(ctx, image.Put{
		Name: w.Ref.Batch + "/" + w.Name, Body: body, Length: length, Metadata: metadata(w),
	})
}
