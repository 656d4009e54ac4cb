package results

import (
	"context"
	"io"
	"path"
)

// Bucket is what this package needs of the place where results are kept. Object
// keys are slash-separated paths.
type Bucket interface {
	// Put stores body as the object, whole or not at all, replacing what was there.
	// body may be what the object says so far.
	Put(ctx context.Context, objectKey string, body io.Reader) error
	// Open reads the object from its start. The error matches fs.ErrNotExist
	// where there is none.
	Open(ctx context.Context, objectKey string) (io.ReadCloser, error)
	// Append adds data to the end of the object, creating it where there is
	// none, and returns when the data is durable.
	Append(ctx context.Context, objectKey string, data []byte) error
}

// The names within a batch's folder.
const (
	succeededName = "results.jsonl"
	failedName    = "errors.jsonl"
	reportName    = "report.json"
	indexName     = "index.html"
	sheetFolder   = "_nightshift/sheet"
	thumbFolder   = "_nightshift/thumbs"
)

func objectKey(batch, name string) string { return path.Join(batch, name) }
