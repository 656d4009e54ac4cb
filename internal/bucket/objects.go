package bucket

import (
	"context"
	"io"
	"time"

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
	// Path is where an object lies, for people; "" is the whole bucket.
	Path(objectKey string) string
	// Link makes a link by which anybody can read the object for a while. It is a secret:
	// it is printed when it is asked for, and never logged.
	Link(ctx context.Context, objectKey string, ttl time.Duration) (string, error)
}
