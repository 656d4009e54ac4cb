package bucket

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// folders is the way to an object's folder: the opened bucket, and which folders
// had to be made, so that they can be taken away again when nothing comes of it.
type folders struct {
	root   *os.Root
	folder string   // of the object, below the bucket, with slashes
	outer  []string // made above and for the bucket itself, absolute
	inner  []string // made below the bucket
}

// makeFolders opens the bucket, making it and the folder where they are missing.
func (b *Local) makeFolders(folder string) (*folders, error) {
	f := &folders{folder: folder}
	if err := f.openRoot(b.dir); err != nil {
		f.undo()
		return nil, translate(err, b.dir)
	}
	if err := f.makeInner(); err != nil {
		f.undo()
		return nil, translate(err, b.Path(folder))
	}
	return f, nil
}

func (f *folders) openRoot(dir string) error {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err := f.makeOuter(dir); err != nil {
			return err
		}
		root, err = os.OpenRoot(dir)
	}
	f.root = root
	return err
}

func (f *folders) makeOuter(dir string) error {
	var missing []string
	for {
		_, err := os.Stat(dir)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		missing = append(missing, dir)
		dir = filepath.Dir(dir)
	}
	for _, dir := range slices.Backward(missing) {
		err := os.Mkdir(dir, 0o777) // the umask decides who may read
		if err == nil {
			f.outer = append(f.outer, dir)
		} else if !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

func (f *folders) makeInner() error {
	if f.folder == "." {
		return nil
	}
	// Nearly always it is there, and one look is cheaper than a try for each part.
	if info, err := f.root.Stat(f.folder); err == nil && info.IsDir() {
		return nil
	}
	way := "."
	for part := range strings.SplitSeq(f.folder, "/") {
		way = path.Join(way, part)
		err := f.root.Mkdir(way, 0o777)
		if err == nil {
			f.inner = append(f.inner, way)
		} else if !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	info, err := f.root.Stat(f.folder)
	if err == nil && !info.IsDir() {
		return &fs.PathError{Op: "mkdir", Path: f.folder, Err: syscall.ENOTDIR}
	}
	return err
}

// undo removes the folders that were made and closes the bucket. A folder that
// someone else has put something into stays, so errors mean nothing here.
func (f *folders) undo() {
	for _, dir := range slices.Backward(f.inner) {
		_ = f.root.Remove(dir)
	}
	for _, dir := range slices.Backward(f.outer) {
		_ = os.Remove(dir)
	}
	f.close()
}

func (f *folders) close() {
	if f.root != nil {
		_ = f.root.Close() // nothing was written through it
	}
}

// sync makes the names in the object's folder durable, and those of the folders
// that were made.
func (f *folders) sync() error {
	if err := syncFolder(f.root, f.folder); err != nil {
		return err
	}
	for _, dir := range f.inner {
		if err := syncFolder(f.root, path.Dir(dir)); err != nil {
			return err
		}
	}
	for _, dir := range f.outer {
		if err := syncOuter(filepath.Dir(dir)); err != nil {
			return err
		}
	}
	return nil
}

func syncOuter(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return syncFolder(root, ".")
}

// syncFolder flushes a folder's names to disk, where the system can do that.
func syncFolder(root *os.Root, folder string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := root.Open(folder)
	if err != nil {
		return err
	}
	defer dir.Close()
	err = dir.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil // some network file systems have no such call
	}
	return err
}
