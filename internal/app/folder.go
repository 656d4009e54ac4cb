package app

import (
	"context"
	"iter"
	"strings"

	"nightshift/internal/batch"
	"nightshift/internal/job"
	"nightshift/internal/results"
)

// folder is what the bucket holds of one batch.
type folder struct {
	bucket   objects
	batch    string // the id: the batch's folder in the bucket
	log      *results.Log
	attempts *batch.Attempts
}

func newFolder(b objects, id string) folder {
	return folder{bucket: b, batch: id, log: results.NewLog(b, id), attempts: batch.NewAttempts(b, id)}
}

// fold is what the logs say was spent and is in flight.
func (f *folder) fold(ctx context.Context) (*batch.Fold, error) {
	return batch.ReadFold(ctx, f.bucket, f.batch)
}

// present reports whether the images of a result are there and still its own. An
// edited row may have replaced them, a person may have deleted them.
func (f *folder) present(ctx context.Context, result *job.Result) bool {
	if len(result.Outputs) > 0 && strings.HasPrefix(result.Outputs[0], earlierFolder) {
		return false // it came home after its row was gone, under another name
	}
	for i, image := range result.Images {
		object, err := f.bucket.Stat(ctx, result.Key(f.batch, i))
		if err != nil || object.Metadata.Job != result.Job || object.Size != image.Bytes {
			return false
		}
	}
	return true
}

// kept streams the results whose images are there; the others are to be made, or
// fetched again where they are paid for.
func (f *folder) kept(ctx context.Context) iter.Seq2[job.Result, error] {
	return func(yield func(job.Result, error) bool) {
		for result, err := range f.log.Succeeded(ctx) {
			if err == nil && !f.present(ctx, &result) {
				continue
			}
			if !yield(result, err) {
				return
			}
		}
	}
}

// ended streams all results, those of failed jobs first.
func (f *folder) ended(ctx context.Context) iter.Seq2[job.Result, error] {
	return func(yield func(job.Result, error) bool) {
		for _, log := range []iter.Seq2[job.Result, error]{f.log.Failed(ctx), f.log.Succeeded(ctx)} {
			for result, err := range log {
				if !yield(result, err) {
					return
				}
			}
		}
	}
}
