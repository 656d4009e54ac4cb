package image

import (
	"context"
	"io"

	"nightshift/internal/job"
)

// Put is an image to store.
type Put struct {
	// Name is the object key, the batch's folder first: "icons/potion.{ext}", or
	// "test/icons/potion.{ext}" for a batch of test mode. "{ext}" in it becomes the
	// extension of the format that the bytes have.
	Name     string
	Body     io.Reader
	Length   int64 // bytes as declared; -1 where not known
	Metadata Metadata
	Limits   Limits
}

// Guard returns a guard over the body.
func (p Put) Guard() *Guard { return NewGuard(p.Body, p.Length, p.Limits) }

// Store keeps images.
type Store interface {
	// PutImage checks an image while it is written and stores it with its metadata,
	// replacing what was there. The object appears whole and verified, or not at all.
	// Key of the returned image is within the batch's folder.
	//
	// A body that is not a whole image is a [job.BadImageError]; errors of the body
	// itself come back wrapped. ctx is looked at between reads, so a body that blocks
	// must have its own way to end.
	PutImage(ctx context.Context, p Put) (job.Image, error)
	// Existing reports the image of this job, asset and index, where it is stored under
	// the name, complete and unchanged, so that it need not be fetched again. "{ext}" in
	// the name stands for any format.
	Existing(ctx context.Context, name string, meta Metadata) (job.Image, bool, error)
}
