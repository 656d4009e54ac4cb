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
type Server struct{ addr string }

// Start starts a Redis that keeps nothing on disk. Without a redis-server in PATH
// it skips the test, or fails it where CI is set.
func Start(t testing.TB) *Server {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	switch {
	case err != nil && os.Getenv("CI") != "":
		t.Fatalf("a real Redis is needed in CI: %v", err)
	case err != nil:
		t.Skipf("no real Redis here, install redis-server to run this test: %v", err)
	}
	for {
		server, err := start(t, binary)
		if errors.Is(err, errPortTaken) {
			continue
		}
		if err != nil {
			t.Fatalf("start redis: %v", err)
		}
		return server
	}
}

// Addr is the server's host:port.
func (s *Server) Addr() string { return s.addr }

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

func start(t testing.TB, binary string) (*Server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	var output bytes.Buffer
	command := exec.Command(binary, "--bind", host, "--port", port, "--dir", t.TempDir(), "--save", "", "--appendonly", "no")
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait() // how it ended does not matter; that it ended early shows in awaitReady
	}()
	stop := func() {
		_ = command.Process.Signal(syscall.SIGTERM) // gone already is as good
		select {
		case <-ended:
		case <-time.After(stopTime):
			_ = command.Process.Kill()
			<-ended
		}
	}
	if err := awaitReady(addr, command.Process.Pid, ended); err != nil {
		stop()
		if strings.Contains(output.String(), "Address already in use") {
			return nil, errPortTaken
		}
		return nil, fmt.Errorf("%w; it said: %s", err, output.String())
	}
	t.Cleanup(stop)
	return &Server{addr: addr}, nil
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
