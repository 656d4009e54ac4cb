package s3test

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Kill ends a server that was launched at once, as a power cut of its machine does.
// Until [Server.Restart] nobody answers.
func (s *Server) Kill() error {
	if err := s.send(syscall.SIGKILL); err != nil {
		return err
	}
	return s.Stop() // returns when it is gone
}

// Restart starts the process of a server that was killed again: with the address,
// the certificate and the objects that it had. ctx is only for the start.
func (s *Server) Restart(ctx context.Context) error { return s.run(ctx) }

// Freeze lets a server that was launched stand still: it takes connections and
// answers nothing, until [Server.Thaw].
func (s *Server) Freeze() error {
	if err := s.send(syscall.SIGSTOP); err != nil {
		return err
	}
	for deadline := time.Now().Add(freezeLimit); ; time.Sleep(time.Millisecond) {
		var info unix.Siginfo
		// The signal reaches all threads a little later; that the process has stopped then is
		// told to its parent, and left to be told again.
		if err := unix.Waitid(unix.P_PID, s.pid, &info, unix.WSTOPPED|unix.WNOWAIT|unix.WNOHANG, nil); err != nil {
			return fmt.Errorf("wait until the S3 server stands still: %w", err)
		}
		if info.Signo != 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the S3 server does not stand still after %s", freezeLimit)
		}
	}
}

const freezeLimit = 10 * time.Second

// Thaw lets a frozen server go on.
func (s *Server) Thaw() error { return s.send(syscall.SIGCONT) }

func (s *Server) send(signal os.Signal) error {
	if err := s.signal(signal); err != nil {
		return fmt.Errorf("send %s to the S3 server: %w", signal, err)
	}
	return nil
}
