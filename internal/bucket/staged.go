package bucket

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
)

// partSuffix ends the names of files that are still being written.
const partSuffix = ".part"

// staged is an object that is being written: a hidden file in the folder where the
// object will be. While it is open the process holds a lock on it, which the
// system releases when the process dies; so [Local.Sweep] can tell what is left
// over from what is being written.
type staged struct {
	bucket  *Local
	folders *folders
	file    *os.File
	temp    string // below the bucket
	key     string
	done    bool
}

// stageTries bounds how often a folder may vanish between being made and being
// used; another put that failed takes away the empty folders it made.
const stageTries = 100

// stage begins an object. The caller must call discard, also after publish.
func (b *Local) stage(key string) (*staged, error) {
	var err error
	for range stageTries {
		var s *staged
		s, err = b.tryStage(key)
		if !errors.Is(err, fs.ErrNotExist) {
			return s, err
		}
	}
	return nil, err
}

func (b *Local) tryStage(key string) (*staged, error) {
	folders, err := b.makeFolders(path.Dir(key))
	if err != nil {
		return nil, err
	}
	s := &staged{bucket: b, folders: folders, key: key}
	s.temp = path.Join(folders.folder, ownPrefix+rand.Text()+partSuffix)
	s.file, err = folders.root.OpenFile(s.temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		folders.undo()
		return nil, s.explain(err)
	}
	// A file system without locks leaves it unmarked, and there a sweep finds no
	// mark to trust either.
	_ = hold(s.file)
	if !s.stillThere() {
		s.discard()
		return nil, fs.ErrNotExist
	}
	return s, nil
}

// stillThere reports whether a sweep has left the file alone that was made and
// not yet held.
func (s *staged) stillThere() bool { return s.folders.names(s.temp, s.file) }

// explain adds to an error of the file system what a person can do.
func (s *staged) explain(err error) error {
	return translate(err, s.bucket.Path(s.folders.folder))
}

// copyBuffers keeps the buffers of finished copies for the next ones.
var copyBuffers = sync.Pool{New: func() any { return new([128 << 10]byte) }}

// fill writes the whole of body and makes it durable under its hidden name.
func (s *staged) fill(ctx context.Context, body io.Reader) error {
	buffer := copyBuffers.Get().(*[128 << 10]byte)
	defer copyBuffers.Put(buffer)
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, readErr := body.Read(buffer[:])
		if n > 0 {
			if _, err := s.file.Write(buffer[:n]); err != nil {
				return s.explain(err)
			}
		}
		if errors.Is(readErr, io.EOF) {
			break
		}
		if readErr != nil {
			return fmt.Errorf("read the body: %w", readErr)
		}
	}
	if err := s.file.Sync(); err != nil {
		return s.explain(err)
	}
	return nil
}

// publish gives the object its name, at once and durably.
func (s *staged) publish() error {
	if err := s.folders.root.Rename(s.temp, s.key); err != nil {
		return s.explain(err)
	}
	s.done = true
	if err := s.folders.sync(); err != nil {
		return s.explain(err)
	}
	return nil
}

// takeBack puts what the object replaced in its place again; nil means that there
// was nothing.
func (s *staged) takeBack(ctx context.Context, before []byte) error {
	if before == nil {
		s.temp, s.done = s.key, false // discard removes it
		return nil
	}
	old, err := s.bucket.stage(s.key)
	if err != nil {
		return err
	}
	defer old.discard()
	if err := old.fill(context.WithoutCancel(ctx), bytes.NewReader(before)); err != nil {
		return err
	}
	return old.publish()
}

// discard closes the object, and takes it and the folders made for it away unless
// it was published.
func (s *staged) discard() {
	if s.done {
		_ = s.file.Close() // it is on disk already
		s.folders.close()
		return
	}
	// What cannot be removed is hidden and is swept later.
	_ = s.folders.root.Remove(s.temp)
	_ = s.file.Close()
	s.folders.undo()
}
