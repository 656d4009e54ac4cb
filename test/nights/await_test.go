package nights

import (
	"context"
	"strings"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/cli"
	"nightshift/internal/redistest"
	"nightshift/internal/s3test"
	"nightshift/internal/simulator"
)

// A worker that is started while Redis is away waits for it.
func TestWorkerWaitsForRedis(t *testing.T) {
	t.Parallel()
	server := redistest.StartKept(t)
	server.Kill(t)
	workerWaits(t, []string{"NIGHTSHIFT_REDIS=redis://" + server.Addr(), "NIGHTSHIFT_BUCKET=file://" + t.TempDir()}, func() { server.Restart(t) })
}

// A worker that is started while the bucket is away waits for it. Not in parallel: the
// SDK reads the environment of the process.
func TestWorkerWaitsForS3(t *testing.T) {
	server := s3test.Start(t)
	if err := server.MakeBucket(t.Context(), "images"); err != nil {
		t.Fatal(err)
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, setting := range server.Environ() {
		name, value, _ := strings.Cut(setting, "=")
		t.Setenv(name, value)
	}
	workerWaits(t, []string{"NIGHTSHIFT_REDIS=redis://" + redistest.StartKept(t).Addr(), "NIGHTSHIFT_BUCKET=s3://images/fleet"}, func() {
		if err := server.Restart(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// workerWaits starts a worker that has to wait for something until it comes.
func workerWaits(t *testing.T, environ []string, come func()) {
	t.Helper()
	sim, err := simulator.New(simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var log logged
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Worker(ctx, app.Process{Stdout: &log, Stderr: &log, Environ: append(environ,
			"NIGHTSHIFT_LISTEN=127.0.0.1:0", "SCENARIO_API_URL=http://simulator/v1", "SCENARIO_API_KEY=sim", "SCENARIO_API_SECRET=sim",
		), Transport: simulator.Transport(sim)})
	}()
	says := func(text string) {
		t.Helper()
		limit := time.After(time.Minute)
		for !strings.Contains(log.text(), text) {
			select {
			case code := <-ended:
				t.Fatalf("worker ended with code %d: %s", code, log.text())
			case <-limit:
				t.Fatalf("worker does not say %q but: %s", text, log.text())
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	says("waiting for it")
	come()
	says("worker started")
	cancel()
	if code := <-ended; code != exitDone {
		t.Errorf("worker ended with code %d: %s", code, log.text())
	}
}
