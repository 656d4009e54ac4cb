package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Delete removes an object, and the folders above it that hold nothing else. One
// that is not there is no error.
func (b *Local) Delete(ctx context.Context, objectKey string) error {
	if err := b.delete(ctx, objectKey); err != nil {
		return fmt.Errorf("delete object %q: %w", objectKey, err)
	}
	return nil
}

func (b *Local) delete(ctx context.Context, key string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := checkKey(key); err != nil {
		return err
	}
	root, err := os.OpenRoot(b.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return translate(err, b.dir)
	}
	defer root.Close()
	defer b.keys.lock(key)()
	if err := root.Remove(filepath.FromSlash(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return translate(err, b.dir)
	}
	for folder := path.Dir(key); folder != "."; folder = path.Dir(folder) {
		if root.Remove(filepath.FromSlash(folder)) != nil {
			break // it holds something else, and whoever puts into it makes it anew
		}
	}
	return nil
}

// Compact brings an object that was appended to into one piece. In a folder it is
// one already.
func (b *Local) Compact(ctx context.Context, objectKey string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return checkKey(objectKey)
}
