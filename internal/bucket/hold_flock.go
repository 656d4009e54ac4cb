//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package bucket

import (
	"os"
	"syscall"
)

// hold marks a file as being written by this process until it is closed, which
// the system does when the process dies. A file system without locks leaves it
// unmarked, and there tryHold does not succeed either.
func hold(file *os.File) { _ = lockFile(file, syscall.LOCK_EX) }

// tryHold reports whether nobody holds the file, holding it then.
func tryHold(file *os.File) bool { return lockFile(file, syscall.LOCK_EX|syscall.LOCK_NB) == nil }

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
