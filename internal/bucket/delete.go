package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Delete removes an object, and the sidecar of an image with it. One that is not
// there is no error. Folders stay, but for empty ones of Nightshift's own.
func (b *Local) Delete(ctx context.Context, objectKey string) error {
	if err := b.delete(ctx, objectKey); err != nil {
		return fmt.Errorf("delete object %q: %w", objectKey, err)
	}
	return nil
}

func (b *Local) delete(ctx context.Context, key string) error {
	file, _, err := b.open(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	file.Close()
	defer b.keys.lock(key)()
	release, err := b.holdLog(key)
	if err != nil {
		return err
	}
	defer release()
	root, err := os.OpenRoot(b.dir)
	if err != nil {
		return translate(err, b.dir)
	}
	defer root.Close()
	// The sidecar goes last: without its image nobody believes it.
	for _, name := range []string{key, sidecarKey(key)} {
		if name == "" {
			continue
		}
		if err := removeFile(root, name); err != nil {
			return translate(err, b.Path(path.Dir(name)))
		}
	}
	removeEmpty(root, path.Dir(key))
	return nil
}

// removeEmpty removes a folder below one of Nightshift's own, and those above it, as
// far as they hold nothing. Who puts something into one at the same time makes it anew.
func removeEmpty(root *os.Root, folder string) {
	for strings.Contains(folder, ownFolder+"/") && root.Remove(folder) == nil {
		folder = path.Dir(folder)
	}
}

// removeFile removes a name durably, if it is there.
func removeFile(root *os.Root, name string) error {
	err := root.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	err = syncFolder(root, path.Dir(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // somebody who deleted another object there has removed it
	}
	return err
}

// Compact does nothing: a file is appended to where it is. It is there so that a
// caller need not know which kind of bucket it has.
func (b *Local) Compact(ctx context.Context, objectKey string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return checkKey(objectKey)
}
