//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package bucket

import (
	"errors"
	"os"
	"syscall"
)

// hold waits until this process alone holds a file, which it does until it closes
// it or dies.
func hold(file *os.File) error { return lockFile(file, syscall.LOCK_EX) }

// tryHold is hold without the wait: it reports false where someone else holds the
// file. The error is that of a file system without locks.
func tryHold(file *os.File) (bool, error) {
	err := lockFile(file, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// letGo ends what hold began, also where a child process has the file still open.
func letGo(file *os.File) error { return lockFile(file, syscall.LOCK_UN) }

func lockFile(file *os.File, how int) error {
	connection, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var lockErr error
	if err := connection.Control(func(fd uintptr) { lockErr = syscall.Flock(int(fd), how) }); err != nil {
		return err
	}
	return lockErr
}
