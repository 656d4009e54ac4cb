package export

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"nightshift/internal/job"
	"nightshift/internal/text"
)

// copyAtOnce is how many images are copied at a time.
const copyAtOnce = 8

// find finds what is in the folder already. Another file of a name is refused.
func (e *exporter) find(ctx context.Context) error {
	for i := range e.done.Files {
		file := &e.done.Files[i]
		there, err := e.isThere(ctx, file)
		if err != nil {
			return err
		}
		if there {
			e.done.There++
		} else {
			e.todo = append(e.todo, *file)
		}
	}
	return nil
}

// isThere reports whether the image is in the folder under its name.
func (e *exporter) isThere(ctx context.Context, file *File) (bool, error) {
	other := &job.InputError{Err: &job.HintedError{
		Err:  fmt.Errorf("%s is there and is not %s of row %s; nothing was copied", e.to.Path(file.File), file.Image, file.Row),
		Hint: "move it away, export to another folder, or give the images other names with --layout",
	}}
	if err := e.checkFolders(file); err != nil {
		return false, err
	}
	if info, err := os.Lstat(e.to.Path(file.File)); err == nil && !info.Mode().IsRegular() {
		return false, other // a folder, or a link that leads elsewhere
	}
	body, err := e.to.Open(ctx, file.File)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, &job.InputError{Err: fmt.Errorf("look for %s; nothing was copied: %w", e.to.Path(file.File), err)}
	}
	defer body.Close() // only read from
	sum := crc32.NewIEEE()
	size, err := io.Copy(sum, io.LimitReader(body, file.image.Image.Bytes+1))
	if err != nil {
		return false, fmt.Errorf("read %s: %w", e.to.Path(file.File), err)
	}
	if size != file.image.Image.Bytes || sumText(sum) != file.image.Image.CRC32 {
		return false, other
	}
	return true, nil
}

// checkFolders refuses a file in the place of a folder that the image is to lie in.
func (e *exporter) checkFolders(file *File) error {
	for folder := path.Dir(file.File); folder != "."; folder = path.Dir(folder) {
		if info, err := os.Stat(e.to.Path(folder)); err == nil && !info.IsDir() {
			return &job.InputError{Err: &job.HintedError{
				Err:  fmt.Errorf("%s is a file, and the folder of %s is to be there; nothing was copied", e.to.Path(folder), file.File),
				Hint: "move it away, or export to another folder",
			}}
		}
	}
	return nil
}

func sumText(sum hash.Hash32) string { return fmt.Sprintf("%08x", sum.Sum32()) }

// copy copies what is not there yet, each file whole or not at all.
func (e *exporter) copy(ctx context.Context) error {
	var copied, bytes atomic.Int64
	copying, ctx := errgroup.WithContext(ctx)
	copying.SetLimit(copyAtOnce)
	for i := range e.todo {
		copying.Go(func() error {
			if err := e.copyOne(ctx, &e.todo[i]); err != nil {
				return err
			}
			copied.Add(1)
			bytes.Add(e.todo[i].image.Image.Bytes)
			return nil
		})
	}
	err := copying.Wait()
	e.done.Copied, e.done.Bytes = int(copied.Load()), bytes.Load()
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w (%d of %s were copied; the same command copies the others)", err, e.done.Copied, text.Count(len(e.todo), "image"))
	}
	return err
}

func (e *exporter) copyOne(ctx context.Context, file *File) error {
	body, err := e.from.Bucket.Open(ctx, e.from.Batch+"/"+file.Image)
	if err != nil {
		return fmt.Errorf("copy %s of row %s: %w", file.Image, file.Row, err)
	}
	defer body.Close() // only read from
	if err := e.to.Put(ctx, file.File, &wholeImage{from: body, sum: crc32.NewIEEE(), of: &file.image.Image}); err != nil {
		return fmt.Errorf("copy %s of row %s: %w", file.Image, file.Row, err)
	}
	return nil
}

// wholeImage reads an image, and ends with an error where it is not what was stored.
type wholeImage struct {
	from io.Reader
	sum  hash.Hash32
	size int64
	of   *job.Image
}

var errNotWhole = errors.New("what the bucket gives is not the image that was stored")

// Read implements io.Reader.
func (w *wholeImage) Read(p []byte) (int, error) {
	n, err := w.from.Read(p)
	w.size += int64(n)
	_, _ = w.sum.Write(p[:n]) // never fails
	if errors.Is(err, io.EOF) && (w.size != w.of.Bytes || sumText(w.sum) != w.of.CRC32) {
		return n, errNotWhole
	}
	return n, err
}
