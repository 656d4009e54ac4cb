// Package redistest starts a real Redis for a test: an own process on a free port
// of the loopback, with its own folder, gone when the test ends.
package redistest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	startTime = 10 * time.Second
	stopTime  = 5 * time.Second
)

// errPortTaken says that another process got the port between our choosing it
// and the server's binding it.
var errPortTaken = errors.New("port is taken")

// Server is a running Redis.
type Server struct {
	binary, addr, dir string
	kept              bool // on disk, over a restart
	process           *os.Process
	end               func()
}

// Start starts a Redis that keeps nothing on disk. Without a redis-server in PATH
// it skips the test, or fails it where CI is set.
func Start(t testing.TB) *Server {
	t.Helper()
	return startServer(t, false)
}

// StartKept is [Start] of a Redis that writes every change to disk, so that all of
// it is there after [Server.Restart].
func StartKept(t testing.TB) *Server {
	t.Helper()
	return startServer(t, true)
}

func startServer(t testing.TB, kept bool) *Server {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	switch {
	case err != nil && os.Getenv("CI") != "":
		t.Fatalf("a real Redis is needed in CI: %v", err)
	case err != nil:
		t.Skipf("no real Redis here, install redis-server to run this test: %v", err)
	}
	s := &Server{binary: binary, dir: t.TempDir(), kept: kept}
	for {
		if s.addr, err = freeAddr(); err != nil {
			t.Fatalf("find a port for redis: %v", err)
		}
		err = s.start()
		if errors.Is(err, errPortTaken) {
			continue
		}
		if err != nil {
			t.Fatalf("start redis: %v", err)
		}
		t.Cleanup(func() { s.end() })
		return s
	}
}

// Kill ends the process at once, as a power cut does. Until [Server.Restart] nobody
// answers.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGKILL)
	s.end()
}

// Freeze lets the process stand still: it takes connections and answers nothing,
// until [Server.Thaw].
func (s *Server) Freeze(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGSTOP)
}

// Thaw lets a frozen process go on.
func (s *Server) Thaw(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGCONT)
}

func (s *Server) signal(t testing.TB, signal os.Signal) {
	t.Helper()
	if err := s.process.Signal(signal); err != nil {
		t.Fatalf("send %s to redis: %v", signal, err)
	}
}

// Restart ends the process and starts another on the same address and folder.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.end()
	if err := s.start(); err != nil {
		t.Fatalf("start redis again: %v", err)
	}
}

// Addr is the server's host:port.
func (s *Server) Addr() string { return s.addr }

// Dir is the folder in which it keeps what it writes to disk.
func (s *Server) Dir() string { return s.dir }

// Client returns a client of the server, closed when the test ends.
func (s *Server) Client(t testing.TB) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: s.addr})
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Errorf("close redis client: %v", err)
		}
	})
	return client
}

// start starts a process on the server's address. When it returns nil, end ends it.
func (s *Server) start() error {
	host, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		return err
	}
	args := []string{"--bind", host, "--port", port, "--dir", s.dir, "--save", "", "--appendonly", "no"}
	if s.kept {
		args = append(args[:len(args)-1], "yes", "--appendfsync", "always")
	}
	var output bytes.Buffer
	command := exec.Command(s.binary, args...)
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		return err
	}
	s.process = command.Process
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait() // how it ended does not matter; that it ended early shows in awaitReady
	}()
	s.end = func() {
		_ = command.Process.Signal(syscall.SIGTERM) // gone already is as good
		select {
		case <-ended:
		case <-time.After(stopTime):
			_ = command.Process.Kill()
			<-ended
		}
	}
	if err := awaitReady(s.addr, command.Process.Pid, ended); err != nil {
		s.end()
		if strings.Contains(output.String(), "Address already in use") {
			return errPortTaken
		}
		return fmt.Errorf("%w; it said: %s", err, output.String())
	}
	return nil
}

func freeAddr() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// awaitReady waits until the process with this pid, and no other, answers.
func awaitReady(addr string, pid int, ended <-chan struct{}) error {
	client := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})
	defer func() { _ = client.Close() }() // nothing was written
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	mine := "process_id:" + strconv.Itoa(pid) + "\r\n"
	for {
		info, err := client.Info(ctx, "server").Result()
		if err == nil && strings.Contains(info, mine) {
			return nil
		}
		select {
		case <-ended:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return fmt.Errorf("no answer in %s: %w", startTime, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
