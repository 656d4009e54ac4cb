package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"nightshift/internal/bucket/buckettest"
	"nightshift/internal/bucket/image"
)

// endingContext ends while it is looked at, after this many looks.
type endingContext struct {
	context.Context
	looks *int
}

func (c endingContext) Err() error {
	if *c.looks--; *c.looks >= 0 {
		return nil
	}
	return errCancelled
}

func TestSidecarsAreNotReadAfterTheEndOfTheContext(t *testing.T) {
	t.Parallel()
	b := newLocal(t, t.TempDir())
	file := buckettest.PNG(30, 20, 1)
	if _, err := b.PutImage(t.Context(), image.Put{Name: "batch/a.png", Body: bytes.NewReader(file), Length: -1}); err != nil {
		t.Fatal(err)
	}
	looks := 1 // when the image is opened
	_, err := b.Stat(endingContext{t.Context(), &looks}, "batch/a.png")
	if !errors.Is(err, errCancelled) {
		t.Errorf("Stat read the sidecar after its context ended: error %v", err)
	}
}
