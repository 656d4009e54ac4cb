package bucket

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// A lock of this system keeps others from the bytes that it covers, so the one that
// is taken lies behind all that any file has.
func lockedByte() *windows.Overlapped { return &windows.Overlapped{OffsetHigh: math.MaxInt32} }

// hold waits until this process alone holds a file, which it does until it closes
// it or dies.
func hold(file *os.File) error { return lockFile(file, windows.LOCKFILE_EXCLUSIVE_LOCK) }

// tryHold is hold without the wait: it reports false where someone else holds the
// file. The error is that of a file system without locks.
func tryHold(file *os.File) (bool, error) {
	err := lockFile(file, windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return err == nil, err
}

// letGo ends what hold began.
func letGo(file *os.File) error {
	return onHandle(file, func(h windows.Handle) error { return windows.UnlockFileEx(h, 0, 1, 0, lockedByte()) })
}

func lockFile(file *os.File, how uint32) error {
	return onHandle(file, func(h windows.Handle) error { return windows.LockFileEx(h, how, 0, 1, 0, lockedByte()) })
}

func onHandle(file *os.File, use func(windows.Handle) error) error {
	connection, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var useErr error
	if err := connection.Control(func(h uintptr) { useErr = use(windows.Handle(h)) }); err != nil {
		return err
	}
	return useErr
}
