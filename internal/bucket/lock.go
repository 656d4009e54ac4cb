package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"time"

	"nightshift/internal/job"
)

// LockedError says that someone else holds a lock.
type LockedError struct {
	Key    string // the object key of the lock
	Holder string // "process 4711 on render-3 since 2026-03-01T22:00:00Z"
}

func (e *LockedError) Error() string { return fmt.Sprintf("%s is in use by %s", e.Key, e.Holder) }

// Lock takes the lock of an object key for this caller alone, among all goroutines
// and all processes that share the folder, and returns how to give it back. It does
// not wait but for a moment: when someone else has the lock, the error is a [LockedError] with a hint.
// The caller keeps unlock until then: a lock that nobody can give back any more is
// collected as garbage, and with it is free. The system gives the lock back when the
// process dies. The object of that key stays, and says who holds the lock. A file
// system without locks is a [job.HintedError].
func (b *Local) Lock(ctx context.Context, objectKey string) (unlock func() error, err error) {
	file, err := b.lock(ctx, objectKey)
	if err != nil {
		return nil, err
	}
	return func() error {
		if err := errors.Join(letGo(file), file.Close()); err != nil {
			return fmt.Errorf("unlock %q: %w", objectKey, err)
		}
		return nil
	}, nil
}

// lock returns the file of the key, held.
func (b *Local) lock(ctx context.Context, key string) (*os.File, error) {
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
	defer way.close()
	alone, err := tryHoldAgain(ctx, file)
	if err == nil && !alone {
		err = lockedBy(key, file)
		file.Close()
		return nil, err
	}
	if err != nil {
		err = b.cannotLock(key, err)
	} else {
		err = translate(writeHolder(file), b.Path(path.Dir(key)))
	}
	if err != nil {
		file.Close() // ends the lock as well
		return nil, fmt.Errorf("lock %q: %w", key, err)
	}
	return file, nil
}

// A lock is tried to be had a few times: another process may have taken it for a moment, only
// to see whether anybody has it.
const (
	lockTries = 6
	lockPause = 30 * time.Millisecond
)

func tryHoldAgain(ctx context.Context, file *os.File) (alone bool, err error) {
	for try := 1; ; try++ {
		alone, err = tryHold(file)
		if err != nil || alone || try == lockTries {
			return alone, err
		}
		timer := time.NewTimer(lockPause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false, context.Cause(ctx)
		}
	}
}

// cannotLock explains why a file can be locked by nobody.
func (b *Local) cannotLock(key string, err error) error {
	folder := b.Path(path.Dir(key))
	if explained := translate(err, folder); job.Hint(explained) != "" {
		return explained
	}
	return &job.HintedError{Err: err, Hint: "put the bucket on a file system that has locks; the folder is " + folder}
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
