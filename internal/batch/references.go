package batch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"nightshift/internal/bucket"
	"nightshift/internal/picture"
)

// ReferenceKey is the object that holds a picture which jobs of the batch take, by its
// SHA-256 in hex.
func ReferenceKey(batch, sum string) string { return batch + "/_nightshift/references/" + sum }

// WriteReferences puts pictures into the folder of a batch, so that workers anywhere can
// upload them. Those that are there stay.
func WriteReferences(ctx context.Context, b bucket.Objects, batch string, files []picture.File) error {
	for _, file := range files {
		key := ReferenceKey(batch, file.SHA256)
		there, err := b.Stat(ctx, key)
		if err == nil && there.Size == file.Bytes {
			continue
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := writeReference(ctx, b, key, file); err != nil {
			return fmt.Errorf("copy %s into the bucket: %w", file.Path, err)
		}
	}
	return nil
}

func writeReference(ctx context.Context, b bucket.Objects, key string, file picture.File) error {
	body, err := file.Open()
	if err != nil {
		return err
	}
	defer body.Close() // only read from
	return b.Put(ctx, key, body)
}
