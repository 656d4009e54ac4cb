package s3test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// BinaryVariable names the environment variable with the path of versitygw, for
// where it is not in PATH.
const BinaryVariable = "NIGHTSHIFT_TEST_VERSITYGW"

const (
	startTime = 20 * time.Second
	stopTime  = time.Second // it waits for idle connections otherwise
	startTrys = 5
)

// ErrNoBinary says that there is no versitygw on this machine.
var ErrNoBinary = errors.New("no versitygw in PATH or " + BinaryVariable)

// Start launches a real server for a test, with a folder that goes away with it.
// Without the program it skips the test, or fails it where CI is set.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartIn(t, t.TempDir())
}

// StartIn is [Start] with a folder that stays.
func StartIn(t testing.TB, dir string) *Server {
	t.Helper()
	server, err := Launch(t.Context(), dir)
	switch {
	case errors.Is(err, ErrNoBinary) && os.Getenv("CI") != "":
		t.Fatalf("a real S3 server is needed in CI: %v", err)
	case errors.Is(err, ErrNoBinary):
		t.Skipf("no real S3 server here: %v", err)
	case err != nil:
		t.Fatalf("start an S3 server: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Errorf("stop the S3 server: %v", err)
		}
	})
	return server
}

// Launch starts versitygw on a folder, in which a server that was stopped may have
// left its objects. ctx is only for the start; [Server.Stop] ends it. The error is
// ErrNoBinary where there is no such program.
func Launch(ctx context.Context, dir string) (*Server, error) {
	binary, err := find()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	certFile, keyFile, pool, err := certificate(dir)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	var last error
	for range startTrys { // another process may take the port first
		address, err := freeAddress()
		if err != nil {
			return nil, err
		}
		server := &Server{
			Endpoint: "https://" + address, Region: region, AccessKey: accessKey, SecretKey: secretKey,
			CAFile: certFile, RootCAs: pool, KeyFile: keyFile,
		}
		server.command = []string{
			binary, "--port", address, "--access", accessKey, "--secret", secretKey, "--region", region,
			"--cert", certFile, "--key", keyFile, "--keep-alive", "--quiet", "--health", healthPath,
			"posix", data,
		}
		last = server.run(ctx)
		if last == nil || ctx.Err() != nil {
			return server, last
		}
	}
	return nil, last
}

const healthPath = "/health"

func find() (string, error) {
	if named := os.Getenv(BinaryVariable); named != "" {
		if _, err := os.Stat(named); err != nil {
			return "", fmt.Errorf("%w: %w", ErrNoBinary, err)
		}
		return named, nil
	}
	binary, err := exec.LookPath("versitygw")
	if err != nil {
		return "", ErrNoBinary
	}
	return binary, nil
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// run starts the process and waits until it answers.
func (s *Server) run(ctx context.Context) error {
	var output bytes.Buffer
	command := exec.Command(s.command[0], s.command[1:]...)
	command.Stdout, command.Stderr = &output, &output
	command.Env = append(os.Environ(), "GOGC=50")
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // how it ended does not matter; that it ended early is seen below
		close(ended)
	}()
	s.signal, s.pid = command.Process.Signal, command.Process.Pid
	s.stop = func() error {
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
			return nil
		case <-time.After(stopTime):
		}
		err := command.Process.Kill()
		<-ended
		return err
	}
	if err := s.awaitReady(ctx, ended); err != nil {
		return errors.Join(err, s.stop(), fmt.Errorf("it said: %s", bytes.TrimSpace(output.Bytes())))
	}
	return nil
}

func (s *Server) awaitReady(ctx context.Context, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: s.RootCAs, MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true,
	}}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint+healthPath, nil)
		if err != nil {
			return err
		}
		if response, err := client.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ended:
			return errors.New("versitygw ended at once")
		case <-ctx.Done():
			return fmt.Errorf("versitygw does not answer: %w", context.Cause(ctx))
		case <-tick.C:
		}
	}
}
