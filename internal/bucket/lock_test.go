package bucket_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/bucket"
	"nightshift/internal/job"
)

const lockKey = "batch/_nightshift/lock"

// neverDone is the context of other processes, which end by being killed.
var neverDone = context.Background()

var errCancelled = errors.New("cancelled on purpose")

func cancelledContext(t *testing.T) context.Context {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errCancelled)
	return ctx
}

func TestLockBelongsToOne(t *testing.T) {
	t.Parallel()
	b := newLocal(t, t.TempDir())
	unlock, err := b.Lock(t.Context(), lockKey)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Lock(t.Context(), lockKey)
	wantLockedBy(t, err, os.Getpid())
	if other, err := b.Lock(t.Context(), "batch/_nightshift/other"); err != nil || other() != nil {
		t.Errorf("another lock: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	again, err := b.Lock(t.Context(), lockKey)
	if err != nil {
		t.Fatalf("after it was given back: %v", err)
	}
	if err := again(); err != nil {
		t.Error(err)
	}
}

// Who only looks whether a lock is held takes it for a moment, and keeps nobody from it.
func TestLockIsHadThoughOthersLook(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	looker, taker := newLocal(t, dir), newLocal(t, dir)
	looked, err := looker.Lock(t.Context(), lockKey)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { _ = looked() })
	unlock, err := taker.Lock(t.Context(), lockKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}

func wantLockedBy(t *testing.T, err error, pid int) {
	t.Helper()
	locked, ok := errors.AsType[*bucket.LockedError](err)
	if !ok || job.Hint(err) == "" {
		t.Fatalf("Lock = %v, hint %q", err, job.Hint(err))
	}
	if !strings.HasPrefix(locked.Holder, fmt.Sprintf("process %d on ", pid)) || !strings.Contains(locked.Holder, " since 20") {
		t.Errorf("the holder is %q, want process %d", locked.Holder, pid)
	}
}

func TestLockOfAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newLocal(t, dir)
	holder := startChild(t, "hold a lock", dir)
	holder.waitFor(t, 1)
	_, err := b.Lock(t.Context(), lockKey)
	wantLockedBy(t, err, holder.Process.Pid)
	holder.kill(t)
	unlock, err := b.Lock(t.Context(), lockKey)
	if err != nil {
		t.Fatalf("after its holder died: %v", err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}

func TestLockIsTakenOnceByManyGoroutines(t *testing.T) {
	t.Parallel()
	b := newLocal(t, t.TempDir())
	var group sync.WaitGroup
	var mu sync.Mutex
	var taken []func() error
	for range 20 {
		group.Go(func() {
			unlock, err := b.Lock(t.Context(), lockKey)
			if _, locked := errors.AsType[*bucket.LockedError](err); locked {
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			taken = append(taken, unlock)
		})
	}
	group.Wait()
	if len(taken) != 1 {
		t.Fatalf("%d goroutines have the lock", len(taken))
	}
	if err := taken[0](); err != nil {
		t.Error(err)
	}
}

func TestLockRefusesKeysAndEndedContexts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newLocal(t, dir)
	if _, err := b.Lock(t.Context(), "../lock"); !errors.Is(err, job.ErrInvalid) {
		t.Errorf("Lock of a key outside: %v", err)
	}
	if _, err := b.Lock(cancelledContext(t), lockKey); !errors.Is(err, errCancelled) {
		t.Errorf("Lock with an ended context: %v", err)
	}
	if names := tree(t, dir); len(names) != 0 {
		t.Errorf("these were made: %v", names)
	}
}
