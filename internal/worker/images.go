package worker

import (
	"context"
	"io"

	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
	"nightshift/internal/pool"
	"nightshift/internal/provider"
	"nightshift/internal/runner"
	"nightshift/internal/upload"
)

// images gives the runner the bucket.
type images struct{ bucket image.Store }

// pictures gives the runner the uploads of a lane's API keys.
type pictures struct {
	uploads *upload.Uploads
	keys    *pool.Keyring
}

func (p pictures) Ready(ctx context.Context, batch string, j *job.Job, apiKey string) (map[string]string, bool, error) {
	return p.uploads.Ready(ctx, p.keys, batch, j, apiKey)
}

func (p pictures) Upload(ctx context.Context, batch string, j *job.Job, apiKey string, requests provider.Requests) error {
	return p.uploads.Upload(ctx, p.keys, batch, j, apiKey, requests)
}

func (p pictures) There(ctx context.Context, apiKey, asset string, requests provider.Requests) (bool, error) {
	to, err := p.keys.Uploader(apiKey, requests)
	if err != nil {
		return false, err
	}
	return to.HasAsset(ctx, asset)
}

func (p pictures) Gone(asset string) { p.uploads.Gone(asset) }

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
