// Package batchtest is a plain bucket for tests of what lies in a batch's folder.
package batchtest

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// Folder is a bucket in a folder of the disk, as plain as it can be.
type Folder struct {
	Root    string
	Appends atomic.Int64
	Puts    atomic.Int64
}

// NewFolder returns an empty one that ends with the test.
func NewFolder(t testing.TB) *Folder {
	t.Helper()
	return &Folder{Root: t.TempDir()}
}

// Path is where an object lies.
func (f *Folder) Path(key string) string { return filepath.Join(f.Root, filepath.FromSlash(key)) }

// Put writes an object whole.
func (f *Folder) Put(_ context.Context, key string, body io.Reader) error {
	f.Puts.Add(1)
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(f.Path(key)), 0o755); err != nil {
		return err
	}
	return os.WriteFile(f.Path(key), data, 0o644)
}

// Open reads an object from its start.
func (f *Folder) Open(_ context.Context, key string) (io.ReadCloser, error) {
	return os.Open(f.Path(key))
}

// Append adds to an object.
func (f *Folder) Append(_ context.Context, key string, data []byte) error {
	f.Appends.Add(1)
	if err := os.MkdirAll(filepath.Dir(f.Path(key)), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(f.Path(key), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Sync(), file.Close())
}

// Text returns the object as text, failing the test where there is none.
func (f *Folder) Text(t testing.TB, key string) string {
	t.Helper()
	data, err := os.ReadFile(f.Path(key))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Write puts text under key.
func (f *Folder) Write(t testing.TB, key, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.Path(key)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.Path(key), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Lock locks nothing: a test that needs locks takes a real bucket.
func (f *Folder) Lock(context.Context, string) (func() error, error) {
	return func() error { return nil }, nil
}
