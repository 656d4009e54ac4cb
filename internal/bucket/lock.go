package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"time"

	"github.com/gofrs/flock"

	"nightshift/internal/job"
)

// LockedError says that someone else holds a lock.
type LockedError struct {
	Key    string
	Holder string // "process 4711 on render-3 since 2026-03-01T22:00:00Z"
}

func (e *LockedError) Error() string { return fmt.Sprintf("%s is in use by %s", e.Key, e.Holder) }

// Lock takes the lock of a key for this caller alone, among all goroutines and all
// processes that share the folder, and returns how to give it back. It does not
// wait: when someone else has the lock, the error is a [LockedError] with a hint.
// The caller keeps unlock until then: a lock that nobody can give back any more is
// collected as garbage, and with it is free. The system gives the lock back when
// the process dies. The file of the key stays, and says who holds the lock.
func (b *Local) Lock(ctx context.Context, key string) (unlock func() error, err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	file, way, err := b.openForAppend(key)
	if err != nil {
		return nil, fmt.Errorf("lock %q: %w", key, err)
	}
	defer file.Close()
	defer way.close()
	lock := flock.New(b.Path(key))
	taken, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %q: %w", key, translate(err, b.Path(path.Dir(key))))
	}
	if !taken {
		return nil, lockedBy(key, file)
	}
	if err := writeHolder(file); err != nil {
		return nil, fmt.Errorf("lock %q: %w", key, errors.Join(translate(err, b.Path(path.Dir(key))), lock.Unlock()))
	}
	return func() error {
		if err := lock.Unlock(); err != nil {
			return fmt.Errorf("unlock %q: %w", key, err)
		}
		return nil
	}, nil
}

func lockedBy(key string, file *os.File) error {
	var text [256]byte
	n, _ := file.ReadAt(text[:], 0) // an unreadable name only makes the message poorer
	holder := string(bytes.TrimSpace(text[:n]))
	if holder == "" {
		holder = "another process"
	}
	return &job.HintedError{
		Err:  &LockedError{Key: key, Holder: holder},
		Hint: "wait until it has ended, or stop it; the lock goes away with the process",
	}
}

func writeHolder(file *os.File) error {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "process %d on %s since %s\n", os.Getpid(), host, time.Now().UTC().Format(time.RFC3339))
	return err
}
