package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"nightshift/internal/job"
)

// Append adds whole lines to an object, making it if need be. They are durable
// when it returns; after an error they are taken back, and only where the disk
// refuses that too some may be there. A last line without its end, left by a
// process that died while it wrote, is cut off first.
//
// Goroutines and processes may append to one object at the same time: each holds the
// file while it writes. On a file system without locks only one process may. ctx is
// looked at before anything is written; a disk that hangs is waited for.
func (b *Local) Append(ctx context.Context, objectKey string, data []byte) error {
	if err := b.append(ctx, objectKey, data); err != nil {
		return fmt.Errorf("append to object %q: %w", objectKey, err)
	}
	return nil
}

func (b *Local) append(ctx context.Context, key string, data []byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := checkKey(key); err != nil {
		return err
	}
	if !bytes.HasSuffix(data, []byte("\n")) {
		return fmt.Errorf("the data must end with the end of a line: %w", job.ErrInvalid)
	}
	defer b.keys.lock(key)()
	if ctx.Err() != nil { // while others had the object
		return context.Cause(ctx)
	}
	file, folders, err := b.holdForAppend(ctx, key)
	if err != nil {
		return err
	}
	defer file.Close() // lets go of it, too
	defer folders.close()
	if err := addLines(file, data); err != nil {
		return translate(err, b.Path(path.Dir(key)))
	}
	return nil
}

// holdRest is the pause before a file is tried again that another process holds,
// doubled each time up to holdRestMost.
const (
	holdRest     = time.Millisecond
	holdRestMost = 50 * time.Millisecond
)

// holdForAppend opens the object, which no other process writes until it is closed.
func (b *Local) holdForAppend(ctx context.Context, key string) (*os.File, *folders, error) {
	for pause := holdRest; ; {
		file, way, err := b.openForAppend(key)
		if err != nil {
			return nil, nil, err
		}
		alone := holdIfLocks(file)
		if alone && way.names(key, file) {
			return file, way, nil
		}
		file.Close()
		way.close()
		if alone {
			continue // it was replaced before it was held
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, holdRestMost)
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("another process writes to it: %w", context.Cause(ctx))
		}
	}
}

// holdForReplace keeps other processes from appending to the object, if there is one,
// until release is called: what they append to a file that is replaced is lost.
func (b *Local) holdForReplace(ctx context.Context, way *folders, key string) (release func(), err error) {
	for pause := holdRest; ; pause = min(2*pause, holdRestMost) {
		file, err := way.root.OpenFile(key, os.O_RDWR, 0)
		if err != nil {
			return func() {}, nil //nolint:nilerr // not there; what else is wrong shows when it is replaced
		}
		if holdIfLocks(file) && way.names(key, file) {
			return func() { file.Close() }, nil
		}
		file.Close()
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, fmt.Errorf("another process writes to it: %w", context.Cause(ctx))
		}
	}
}

// holdIfLocks is tryHold, true on a file system without locks: there only one process
// may write.
func holdIfLocks(file *os.File) bool {
	alone, err := tryHold(file)
	return alone || err != nil
}

// names reports whether the key still names this file.
func (f *folders) names(key string, file *os.File) bool {
	named, err := f.root.Lstat(key)
	if err != nil {
		return false
	}
	opened, err := file.Stat()
	return err == nil && os.SameFile(named, opened)
}

// openForAppend opens the object. One that it makes is durable, if empty, at once.
func (b *Local) openForAppend(key string) (*os.File, *folders, error) {
	var err error
	for range stageTries {
		var way *folders
		if way, err = b.makeFolders(path.Dir(key)); err != nil {
			return nil, nil, err
		}
		var file *os.File
		file, err = openOrCreate(way, key)
		if err == nil {
			return file, way, nil
		}
		way.undo()
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return nil, nil, translate(err, b.Path(path.Dir(key)))
}

func openOrCreate(way *folders, key string) (*os.File, error) {
	file, err := way.root.OpenFile(key, os.O_RDWR, 0)
	if !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	file, err = way.root.OpenFile(key, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	if err := way.sync(); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// lineFile is what addLines needs of a file.
type lineFile interface {
	io.ReaderAt
	io.WriterAt
	Stat() (fs.FileInfo, error)
	Truncate(size int64) error
	Sync() error
}

// addLines writes behind the last whole line. What it could not write whole and
// durably it takes back; half a line that stays all the same, the next append cuts
// off.
func addLines(file lineFile, data []byte) error {
	end, err := endOfLines(file)
	if err != nil {
		return err
	}
	if err := file.Truncate(end); err != nil {
		return err
	}
	if _, err := file.WriteAt(data, end); err != nil {
		return errors.Join(err, file.Truncate(end))
	}
	if err := file.Sync(); err != nil {
		return errors.Join(err, file.Truncate(end))
	}
	return nil
}

// endOfLines returns the offset behind the last end of a line.
func endOfLines(file lineFile) (int64, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	var block [4096]byte
	end := info.Size()
	for end > 0 {
		start := max(end-int64(len(block)), 0)
		n, err := file.ReadAt(block[:end-start], start)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if at := bytes.LastIndexByte(block[:n], '\n'); at >= 0 {
			return start + int64(at) + 1, nil
		}
		end = start
	}
	return 0, nil
}
