package app

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"nightshift/internal/bucket"
	"nightshift/internal/job"
)

// Linker makes links by which anybody can read an object for a while. Such a link is a
// secret: it is printed when it is asked for, and never logged.
type Linker interface {
	Link(ctx context.Context, objectKey string, ttl time.Duration) (string, error)
}

// LinkerOf is the bucket's; a folder's links are files.
func LinkerOf(b bucket.Objects) (Linker, error) {
	switch b := b.(type) {
	case Linker:
		return b, nil
	case *bucket.Local:
		return fileLinks{b}, nil
	default:
		return nil, &job.InputError{Err: &job.HintedError{Err: fmt.Errorf("%s gives no links", b.Path("")), Hint: "leave out --links"}}
	}
}

// fileLinks are those of a bucket in a folder. They never end.
type fileLinks struct{ bucket *bucket.Local }

func (f fileLinks) Link(_ context.Context, objectKey string, _ time.Duration) (string, error) {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(f.bucket.Path(objectKey))}).String(), nil
}
