package chaos

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// storage is the bucket of a run, as the judges see it: past all faults.
type storage interface {
	// environ are the variables by which a program finds it.
	environ(worker string) []string
	// links are those between a worker and the bucket that can be broken.
	links() []*link
	// open opens an object; fs.ErrNotExist if there is none.
	open(ctx context.Context, key string) (io.ReadCloser, error)
	put(ctx context.Context, key string, data []byte) error
	// has reports whether any object's key begins with the prefix, a folder's.
	has(ctx context.Context, prefix string) (bool, error)
}

func newStorage(t *testing.T, kind, dir string) storage {
	t.Helper()
	switch kind {
	case "folder":
		bucket := filepath.Join(dir, "bucket")
		if err := os.MkdirAll(bucket, 0o700); err != nil {
			t.Fatal(err)
		}
		return folder(bucket)
	default:
		t.Fatalf("-bucket %s: no such kind", kind)
		return nil
	}
}

// folder is a bucket in the file system.
type folder string

func (f folder) environ(string) []string { return []string{"NIGHTSHIFT_BUCKET=file://" + string(f)} }

func (f folder) links() []*link { return nil }

func (f folder) open(_ context.Context, key string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(string(f), filepath.FromSlash(key)))
}

func (f folder) put(_ context.Context, key string, data []byte) error {
	path := filepath.Join(string(f), filepath.FromSlash(key))
	if err := os.WriteFile(path+".chaos", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".chaos", path)
}

func (f folder) has(_ context.Context, prefix string) (bool, error) {
	found := false
	err := filepath.WalkDir(filepath.Join(string(f), filepath.FromSlash(prefix)), func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found = true
			return fs.SkipAll
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return found, err
}
