package batch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
)

// Bucket is what this package needs of the place where batches are kept. Object keys
// are slash-separated paths.
type Bucket interface {
	// Put stores body as the object, whole or not at all, replacing what was there.
	Put(ctx context.Context, objectKey string, body io.Reader) error
	// Open reads the object from its start. The error matches fs.ErrNotExist
	// where there is none.
	Open(ctx context.Context, objectKey string) (io.ReadCloser, error)
	// Append adds data to the end of the object, creating it where there is
	// none, and returns when the data is durable.
	Append(ctx context.Context, objectKey string, data []byte) error
	// Lock takes the lock of an object key for this caller alone, or is an error while
	// another has it.
	Lock(ctx context.Context, objectKey string) (unlock func() error, err error)
}

// The names within a batch's folder.
const (
	succeededName  = "results.jsonl"
	failedName     = "errors.jsonl"
	spendName      = "spend.jsonl"
	attemptsName   = "_nightshift/attempts.jsonl"
	checkpointName = "_nightshift/spend.json"
)

func objectKey(batch, name string) string { return path.Join(batch, name) }

// openLog opens a log; one that was never written is empty. Of a folder that was made
// before there was a log of attempts, what its own logs say is read in its place.
func openLog(ctx context.Context, b Bucket, batch, name string) (io.ReadCloser, error) {
	body, err := b.Open(ctx, objectKey(batch, name))
	if !errors.Is(err, fs.ErrNotExist) {
		return body, err
	}
	if name == attemptsName {
		return openOld(ctx, b, batch)
	}
	return noLines(), nil
}

func noLines() io.ReadCloser { return io.NopCloser(bytes.NewReader(nil)) }
