package provider

import (
	"context"
	"io"
	"time"
)

// Upload is a picture that is given to a provider, which makes an asset of it.
type Upload struct {
	// Name is shown with the asset. No two contents have the same, so that an upload whose
	// answer was lost can be found by it.
	Name        string
	ContentType string // such as image/png
	Bytes       int64
	// Open reads the picture from its start; it may be called several times.
	Open func(ctx context.Context) (io.ReadCloser, error)
	// Begun, if set, is told the id of an upload that takes several calls, before the one by
	// which it becomes an asset. An error ends the upload.
	Begun func(id string) error
}

// Uploader is a provider that takes pictures, which costs nothing.
type Uploader interface {
	// Upload gives the provider a picture and returns the id of its asset. It does not repeat
	// what may have been taken: a [job.UnknownOutcomeError] says that nobody knows, and that
	// the asset is to be looked for with FindUpload. [job.ErrInvalid] says that this picture
	// is not taken.
	Upload(ctx context.Context, u Upload) (asset string, err error)
	// ResumeUpload tells what became of an upload that was begun under an id: its asset, or
	// whether it is about to become one. One that is neither was not completed, or refused.
	ResumeUpload(ctx context.Context, id string) (asset string, underWay bool, err error)
	// FindUpload returns the asset that was uploaded under a name since then, by our clock; ""
	// if none is shown, which lists that lag may do for a while.
	FindUpload(ctx context.Context, name string, since time.Time) (asset string, err error)
	// HasAsset reports whether there is an asset of this id that a model can be given.
	HasAsset(ctx context.Context, asset string) (bool, error)
}
