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

	"nightshift/internal/job"
)

// Append adds whole lines to an object, making it if need be. They are durable
// when it returns; after an error they are taken back, and only where the disk
// refuses that too some may be there. A last line without its end, left by a
// process that died while it wrote, is cut off first.
//
// Goroutines may append to one object at the same time. Of several processes only
// one may: whoever appends holds a [Local.Lock], or has the object to itself. ctx
// is looked at before anything is written; a disk that hangs is waited for.
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
	file, folders, err := b.openForAppend(key)
	if err != nil {
		return err
	}
	defer file.Close()
	defer folders.close()
	if err := addLines(file, data); err != nil {
		return translate(err, b.Path(path.Dir(key)))
	}
	return nil
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
