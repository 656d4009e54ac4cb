package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"nightshift/internal/redistest"
	"nightshift/internal/simulator"
)

// A worker that is started while Redis is away waits for it.
func TestWorkerWaitsForRedis(t *testing.T) {
	t.Parallel()
	server := redistest.StartKept(t)
	server.Kill(t)
	sim, err := simulator.New(simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var log logged
	ended := make(chan int, 1)
	go func() {
		ended <- Worker(ctx, Process{Stdout: &log, Stderr: &log, Environ: []string{
			"NIGHTSHIFT_REDIS=redis://" + server.Addr(), "NIGHTSHIFT_BUCKET=file://" + t.TempDir(), "NIGHTSHIFT_LISTEN=127.0.0.1:0",
			"SCENARIO_API_URL=http://simulator/v1", "SCENARIO_API_KEY=sim", "SCENARIO_API_SECRET=sim",
		}, transport: simulator.Transport(sim)})
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
	server.Restart(t)
	says("worker started")
	cancel()
	if code := <-ended; code != exitDone {
		t.Errorf("worker ended with code %d: %s", code, log.text())
	}
}
