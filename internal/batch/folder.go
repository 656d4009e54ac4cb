package batch

import (
	"context"
	"iter"

	"nightshift/internal/bucket"
	"nightshift/internal/job"
)

// Folder is what the bucket holds of one batch.
type Folder struct {
	Bucket   bucket.Objects
	Batch    string // the id: the batch's folder in the bucket
	Log      *Log
	Attempts *Attempts
}

// NewFolder is the folder of the batch with this id. Nothing is read before it is asked for.
func NewFolder(b bucket.Objects, id string) Folder {
	return Folder{Bucket: b, Batch: id, Log: NewLog(b, id), Attempts: NewAttempts(b, id)}
}

// Fold is what the logs say was spent and is in flight.
func (f *Folder) Fold(ctx context.Context) (*Fold, error) {
	return ReadFold(ctx, f.Bucket, f.Batch)
}

// Present reports whether the images of a result are there and still its own. An
// edited row may have replaced them, a person may have deleted them.
func (f *Folder) Present(ctx context.Context, result *job.Result) bool {
	if cameHome(result) {
		return false
	}
	for i, image := range result.Images {
		object, err := f.Bucket.Stat(ctx, result.Key(f.Batch, i))
		if err != nil || object.Metadata.Job != result.Job || object.Size != image.Bytes {
			return false
		}
	}
	return true
}

// Kept streams the results whose images are there; the others are to be made, or
// fetched again where they are paid for.
func (f *Folder) Kept(ctx context.Context) iter.Seq2[job.Result, error] {
	return func(yield func(job.Result, error) bool) {
		for result, err := range f.Log.Succeeded(ctx) {
			if err == nil && !f.Present(ctx, &result) {
				continue
			}
			if !yield(result, err) {
				return
			}
		}
	}
}

// Ended streams all results, those of failed jobs first.
func (f *Folder) Ended(ctx context.Context) iter.Seq2[job.Result, error] {
	return func(yield func(job.Result, error) bool) {
		for _, log := range []iter.Seq2[job.Result, error]{f.Log.Failed(ctx), f.Log.Succeeded(ctx)} {
			for result, err := range log {
				if !yield(result, err) {
					return
				}
			}
		}
	}
}
