package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
)

// Local is a bucket in a folder. Object keys are slash-separated paths below it;
// nothing outside of it can be reached, by no object key and through no symbolic
// link. It is safe for use by many goroutines, and by many processes on one machine.
//
// Errors that a person can end (a full disk, a missing permission) are a
// [job.HintedError]; where the work can go on afterwards, a [job.PostponedError]
// with [job.WaitStorage] is found in them too. Refused object keys wrap [job.ErrInvalid].
type Local struct {
	dir  string // absolute
	keys keyLocks
}

// Object is what a bucket knows about an object.
type Object struct {
	Key     string // the object key
	Size    int64  // bytes
	ModTime time.Time
	// Metadata is what is kept beside an image; zero for any other object.
	Metadata image.Metadata
}

// NewLocal returns the bucket in the folder dir. The folder need not exist: it is
// made by the first object that is put. The error is a [job.HintedError] when
// something else than a folder is there.
func NewLocal(dir string) (*Local, error) {
	if dir == "" {
		return nil, &job.HintedError{
			Err:  fmt.Errorf("bucket folder: the name is empty: %w", job.ErrInvalid),
			Hint: "name the folder that the images go to",
		}
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("bucket folder %q: %w", dir, err)
	}
	info, err := os.Stat(absolute)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("bucket folder: %w", translate(err, absolute))
	case !info.IsDir():
		return nil, &job.HintedError{
			Err:  fmt.Errorf("bucket folder: %s is not a folder: %w", absolute, syscall.ENOTDIR),
			Hint: "name a folder as the bucket, or move that file away",
		}
	}
	return &Local{dir: absolute}, nil
}

// Path is where an object lies on disk, for messages to people. It is never outside
// of the bucket's folder.
func (b *Local) Path(objectKey string) string {
	return filepath.Join(b.dir, filepath.FromSlash(path.Clean("/"+objectKey)))
}

// Put stores an object that is no image, replacing what was there. It appears
// whole or not at all. After an error it is there only where the folder's names
// could not be made durable.
func (b *Local) Put(ctx context.Context, objectKey string, body io.Reader) error {
	if err := b.put(ctx, objectKey, body); err != nil {
		return fmt.Errorf("put object %q: %w", objectKey, err)
	}
	return nil
}

func (b *Local) put(ctx context.Context, key string, body io.Reader) error {
	if err := checkKey(key); err != nil {
		return err
	}
	object, err := b.stage(key)
	if err != nil {
		return err
	}
	defer object.discard()
	if err := object.fill(ctx, body); err != nil {
		return err
	}
	defer b.keys.lock(key)()
	release, err := b.holdLog(key)
	if err != nil {
		return err
	}
	defer release()
	return object.publish()
}

// Open returns an object for reading; the caller closes it. What it reads stays
// the same object when it is replaced meanwhile. The error wraps [fs.ErrNotExist]
// where there is none.
func (b *Local) Open(ctx context.Context, objectKey string) (io.ReadCloser, error) {
	file, _, err := b.open(ctx, objectKey)
	if err != nil {
		return nil, fmt.Errorf("open object %q: %w", objectKey, err)
	}
	return file, nil
}

// Stat returns what is known of an object without reading it. The error wraps
// [fs.ErrNotExist] where there is none.
func (b *Local) Stat(ctx context.Context, objectKey string) (Object, error) {
	file, info, err := b.open(ctx, objectKey)
	if err != nil {
		return Object{}, fmt.Errorf("stat object %q: %w", objectKey, err)
	}
	defer file.Close()
	object := Object{Key: objectKey, Size: info.Size(), ModTime: info.ModTime()}
	side, found, err := b.readSidecar(ctx, objectKey)
	if err != nil {
		return Object{}, fmt.Errorf("stat object %q: %w", objectKey, err)
	}
	if found && side.Image.Bytes == object.Size {
		object.Metadata = side.Metadata
	}
	return object, nil
}

func (b *Local) open(ctx context.Context, key string) (*os.File, fs.FileInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, context.Cause(ctx)
	}
	if err := checkKey(key); err != nil {
		return nil, nil, err
	}
	root, err := os.OpenRoot(b.dir)
	if err != nil {
		return nil, nil, translate(err, b.dir)
	}
	defer root.Close()
	file, err := root.Open(filepath.FromSlash(key))
	if errors.Is(err, syscall.ENOTDIR) {
		// A part of the key is a file: in a bucket there is simply no such object.
		return nil, nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, nil, translate(err, b.dir)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist // a folder is no object
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// Link is the address of the object's file. It never ends.
func (b *Local) Link(_ context.Context, objectKey string, _ time.Duration) (string, error) {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(b.Path(objectKey))}).String(), nil
}
