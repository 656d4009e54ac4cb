package simulator_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/simulator"
)

// TestTransportEndsWithTheContext: a client that goes away mid-download is told so
// and leaves no goroutine, which the bubble would notice.
func TestTransportEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, simulator.Options{Latency: instant})
		link := b.asset(b.assets(b.generate("a"))[0])["url"].(string)
		b.faults(simulator.Fault{Kind: simulator.FaultSlowDownload, Next: 2, Seconds: 100})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, "GET", link, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := b.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		data, err := io.ReadAll(response.Body)
		if !errors.Is(err, context.DeadlineExceeded) || len(data) == 0 {
			t.Errorf("read %d bytes and %v, want part of them and the deadline", len(data), err)
		}
	})
}

// TestTransportEndsWhenTheBodyIsClosed: as above, for a client that closes early.
func TestTransportEndsWhenTheBodyIsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, simulator.Options{Latency: instant})
		link := b.asset(b.assets(b.generate("a"))[0])["url"].(string)
		b.faults(simulator.Fault{Kind: simulator.FaultSlowDownload, Next: 1, Seconds: 100})
		began := time.Now()
		response, err := b.client.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if took := time.Since(began); took > 0 {
			t.Errorf("the handler went on for %s", took)
		}
	})
}

func TestTransportRefusesAnEndedContext(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", "http://sim.test/_sim/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	//nolint:bodyclose // a transport that returns an error returns no response
	if _, err := simulator.Transport(b.sim).RoundTrip(request); !errors.Is(err, context.Canceled) {
		t.Errorf("answered %v, want the context's error", err)
	}
}

// TestManyClientsAtOnce: the ceiling holds among racing submits, and no charge is
// lost.
func TestManyClientsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, simulator.Options{Parallel: 7, RequestsPerMinute: simulator.Unlimited, Latency: fixed(time.Minute)})
		var clients sync.WaitGroup
		for range 40 {
			clients.Go(func() {
				if _, err := b.send("POST", fluxPath, small); err != nil {
					t.Error(err)
				}
			})
		}
		clients.Wait()
		if totals := b.sim.Totals(); totals.Accepted != 7 || totals.Charged != 7*10750 {
			t.Errorf("totals %+v, want seven jobs", totals)
		}
	})
}
