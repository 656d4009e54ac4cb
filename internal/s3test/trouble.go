package s3test

import (
	"context"
	"fmt"
	"os"
	"syscall"
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
func (s *Server) Freeze() error { return s.send(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *Server) Thaw() error { return s.send(syscall.SIGCONT) }

func (s *Server) send(signal os.Signal) error {
	if err := s.signal(signal); err != nil {
		return fmt.Errorf("send %s to the S3 server: %w", signal, err)
	}
	return nil
}
