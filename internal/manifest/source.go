package manifest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"time"
)

// source gives the items of a manifest.
type source interface {
	// all yields the items in their order. An item holds until the next one. An
	// error is a *Problem or *Problems of one item, after which it goes on, or
	// what ended the reading.
	all() iter.Seq2[*layer, error]
	// variables are the names of all variables that items have, and whether that
	// is known before they are read.
	variables() (names []string, known bool)
	// needs reports whether an item may need others.
	needs() (bool, error)
}

// inlineItems are the items that stand in the manifest itself.
type inlineItems struct {
	layers []*layer
	names  []string
}

func (s *inlineItems) variables() ([]string, bool) { return s.names, true }

func (s *inlineItems) needs() (bool, error) {
	return slices.ContainsFunc(s.layers, func(l *layer) bool { return len(l.needs) > 0 }), nil
}

func (s *inlineItems) all() iter.Seq2[*layer, error] {
	return func(yield func(*layer, error) bool) {
		for _, l := range s.layers {
			if !yield(l, nil) {
				return
			}
		}
	}
}

// dataFile is a file that is read as a stream. It must not change until it was read
// to its end: what was said about it so far would not be about what is run.
type dataFile struct {
	path     string // as it is named
	real     string // where that leads
	size     int64
	modified time.Time
}

var errChanged = errors.New("the file has changed since it was opened; start again")

// statLinked looks at a file that is to be read, under a path that leads to it. It returns an
// error if it is not a regular file.
func statLinked(path, leads string) (*dataFile, error) {
	info, err := os.Stat(leads)
	if err != nil {
		return nil, readError(path, err)
	}
	switch {
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory; name the file in it", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file; save it as one, so that a change while it is read is noticed", path)
	}
	return &dataFile{path: path, real: leads, size: info.Size(), modified: info.ModTime()}, nil
}

// open returns the content, as UTF-8 where it is UTF-16. It returns an error if the file has changed.
func (f *dataFile) open() (io.ReadCloser, error) {
	file, err := os.Open(f.real)
	if err != nil {
		return nil, readError(f.path, err)
	}
	reader := &steadyFile{file, f}
	if err := reader.unchanged(); err != nil {
		return nil, errors.Join(readError(f.path, err), file.Close())
	}
	buffered := bufio.NewReaderSize(reader, 16<<10)
	// An error of Peek comes again with the first Read.
	start, _ := buffered.Peek(longestBeginning)
	if err := contentError(f.path, start); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{asUTF8(buffered), file}, nil
}

// steadyFile is a file that ends in an error where it has changed meanwhile.
type steadyFile struct {
	*os.File
	opened *dataFile
}

func (f *steadyFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	if errors.Is(err, io.EOF) {
		if changed := f.unchanged(); changed != nil {
			return n, changed
		}
	}
	return n, err
}

func (f *steadyFile) unchanged() error {
	info, err := f.Stat()
	if err == nil && (info.Size() != f.opened.size || !info.ModTime().Equal(f.opened.modified)) {
		err = errChanged
	}
	return err
}

// readError names the file in front of the cause, and once, where errors of the
// system name it as well.
func readError(path string, err error) error {
	if system, ok := errors.AsType[*fs.PathError](err); ok {
		err = system.Err
	}
	return fmt.Errorf("%s: %w", path, err)
}
