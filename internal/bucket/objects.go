package bucket

import (
	"context"
	"io"

	"nightshift/internal/bucket/image"
)

// Objects is a bucket, in a folder or on an S3 server: what [Local] and [S3] have in
// common.
type Objects interface {
	image.Store
	Put(ctx context.Context, objectKey string, body io.Reader) error
	Open(ctx context.Context, objectKey string) (io.ReadCloser, error)
	Stat(ctx context.Context, objectKey string) (Object, error)
	Append(ctx context.Context, objectKey string, data []byte) error
	Folders(ctx context.Context, folder string) ([]string, error)
	Sweep(ctx context.Context, folder string) (removed int, err error)
	Lock(ctx context.Context, objectKey string) (unlock func() error, err error)
	Delete(ctx context.Context, objectKey string) error
	// Compact brings an object that was appended to into one piece.
	Compact(ctx context.Context, objectKey string) error
	Path(objectKey string) string
}
