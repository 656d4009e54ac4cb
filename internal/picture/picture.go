// Package picture reads the files that people give to models as pictures: it checks that a
// file is a whole image of a format that is known, and names it by its content.
package picture

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"strings"

	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
)

// File is a picture on this machine.
type File struct {
	Path   string
	SHA256 string // of its bytes, in hex
	Bytes  int64
}

// Look reads a file and checks it. An error says what is wrong with the file; it names no
// path.
func Look(path string) (File, error) {
	file, size, err := open(path)
	if err != nil {
		return File{}, err
	}
	defer file.Close() // only read from
	sum := sha256.New()
	guard := image.NewGuard(io.TeeReader(file, sum), size, image.Limits{})
	if _, err := io.Copy(io.Discard, guard); err != nil {
		return File{}, fault(err)
	}
	return File{Path: path, SHA256: hex.EncodeToString(sum.Sum(nil)), Bytes: guard.Info().Bytes}, nil
}

// Open opens a file that was looked at before. Reading it to its end is an error if it is
// another one by now.
func (f File) Open() (io.ReadCloser, error) {
	file, _, err := open(f.Path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return &same{file: file, want: f, sum: sha256.New()}, nil
}

// open opens a regular file.
func open(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, 0, errors.New("it is not a regular file")
	}
	var file *os.File
	if err == nil {
		file, err = os.Open(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, errors.New("there is no such file")
	}
	if err != nil {
		return nil, 0, withoutPath(err)
	}
	return file, info.Size(), nil
}

func withoutPath(err error) error {
	if system, ok := errors.AsType[*fs.PathError](err); ok {
		return system.Err
	}
	return err
}

// fault says of a file what a guard says of a download.
func fault(err error) error {
	bad, ok := errors.AsType[*job.BadImageError](err)
	if !ok {
		return withoutPath(err)
	}
	said := bad.Reason
	// What a file holds that is no picture is nobody's affair.
	if from, to := strings.Index(said, " (it begins with"), strings.LastIndex(said, "), "); from >= 0 && to > from {
		said = said[:from] + said[to+1:]
	}
	return errors.New(strings.NewReplacer("the body is", "it is", "the body ended", "it ends", "were announced", "it has").Replace(said))
}

// same is a file that must be the one that was looked at.
type same struct {
	file *os.File
	want File
	sum  hash.Hash
}

// Read implements [io.Reader].
func (s *same) Read(p []byte) (int, error) {
	n, err := s.file.Read(p)
	s.sum.Write(p[:n])
	if errors.Is(err, io.EOF) && hex.EncodeToString(s.sum.Sum(nil)) != s.want.SHA256 {
		return n, fmt.Errorf("%s has changed since it was checked; start again", s.want.Path)
	}
	return n, err
}

// Close implements [io.Closer].
func (s *same) Close() error { return s.file.Close() }
