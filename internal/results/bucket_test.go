package results_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"nightshift/internal/bucket"
	"nightshift/internal/results"
)

// folder is a bucket in a folder of the disk, as plain as it can be.
type folder struct {
	root    string
	appends atomic.Int64
	puts    atomic.Int64
}

var _ results.Bucket = (*folder)(nil)

func newFolder(t testing.TB) *folder {
	t.Helper()
	return &folder{root: t.TempDir()}
}

func (f *folder) path(key string) string { return filepath.Join(f.root, filepath.FromSlash(key)) }

func (f *folder) Put(_ context.Context, key string, body io.Reader) error {
	f.puts.Add(1)
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(f.path(key)), 0o755); err != nil {
		return err
	}
	return os.WriteFile(f.path(key), data, 0o644)
}

func (f *folder) Open(_ context.Context, key string) (io.ReadCloser, error) {
	return os.Open(f.path(key))
}

func (f *folder) Append(_ context.Context, key string, data []byte) error {
	f.appends.Add(1)
	if err := os.MkdirAll(filepath.Dir(f.path(key)), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(f.path(key), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Sync(), file.Close())
}

// text returns the object as text, failing the test where there is none.
func (f *folder) text(t testing.TB, key string) string {
	t.Helper()
	data, err := os.ReadFile(f.path(key))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// write puts text under key.
func (f *folder) write(t testing.TB, key, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.path(key)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.path(key), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// newLocal returns the bucket that nights are kept in.
func newLocal(t testing.TB) *bucket.Local {
	t.Helper()
	local, err := bucket.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return local
}

func readFile(t testing.TB, local *bucket.Local, key string) string {
	t.Helper()
	data, err := os.ReadFile(local.Path(key))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func writeFile(t testing.TB, local *bucket.Local, key, text string) {
	t.Helper()
	if err := os.WriteFile(local.Path(key), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
