package s3test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
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
	for deadline := time.Now().Add(freezeLimit); !s.stands(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("the S3 server does not stand still after %s", freezeLimit)
		}
	}
	return nil
}

const freezeLimit = 10 * time.Second

// stands reports whether all threads of the server stand still, which the signal alone does
// not say: it reaches them a little later. Systems without /proc are believed.
func (s *Server) stands() bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.pid))
	for _, thread := range threads {
		stat, failed := os.ReadFile(thread)
		_, state, _ := strings.Cut(string(stat), ") ")
		if failed == nil && !strings.HasPrefix(state, "T") {
			return false
		}
	}
	return err == nil
}

// Thaw lets a frozen server go on.
func (s *Server) Thaw() error { return s.send(syscall.SIGCONT) }

func (s *Server) send(signal os.Signal) error {
	if err := s.signal(signal); err != nil {
		return fmt.Errorf("send %s to the S3 server: %w", signal, err)
	}
	return nil
}
