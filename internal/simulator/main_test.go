package simulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/simulator"
)

// TestMainServesUntilStopped starts a process's worth of simulator on a free port.
func TestMainServesUntilStopped(t *testing.T) {
	t.Parallel()
	keys := filepath.Join(t.TempDir(), "keys.yaml")
	if err := os.WriteFile(keys, []byte("- {key: night, secret: s}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	reader, writer := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- simulator.Main(ctx, []string{"-addr", "127.0.0.1:0", "-keys", keys, "-latency", "0s", "-clock-skew", "-90s", "-usage-lag", "1h"}, writer, t.Output())
	}()
	line := make([]byte, 100)
	n, err := reader.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimSpace(strings.TrimPrefix(string(line[:n]), "simulator listens on "))
	client := &http.Client{Timeout: 10 * time.Second}
	request, err := http.NewRequestWithContext(t.Context(), "POST", address+fluxPath, strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("night", "s")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("generate answered %d", response.StatusCode)
	}
	date, err := http.ParseTime(response.Header.Get("Date"))
	if behind := time.Since(date); err != nil || behind < 90*time.Second || behind > 100*time.Second {
		t.Errorf("the reply's date is %s old, %v; want 90 s", behind, err)
	}
	health := []string{"-health", "-addr", strings.TrimPrefix(address, "http://")}
	if got := simulator.Main(t.Context(), health, io.Discard, t.Output()); got != 0 {
		t.Errorf("-health ends with %d while it serves", got)
	}
	stop()
	if got := <-code; got != 0 {
		t.Errorf("exit code %d", got)
	}
	var complaint bytes.Buffer
	if got := simulator.Main(t.Context(), health, io.Discard, &complaint); got != 1 || complaint.Len() == 0 {
		t.Errorf("-health ends with %d after the stop and says %q", got, &complaint)
	}
}

func TestMainRefusesBadFlags(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "keys.yaml")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args      []string
		code      int
		complaint string
	}{
		"help":         {[]string{"-help"}, 0, "-latency"},
		"unknown flag": {[]string{"-colour", "red"}, 2, "flag provided but not defined: -colour"},
		"argument":     {[]string{"models"}, 2, `unexpected argument "models"`},
		"latency":      {[]string{"-latency", "fast"}, 2, "want a time (8s) or a range (2s..6s)"},
		"parallel":     {[]string{"-parallel", "-7"}, 2, "parallel is -7"},
		"no keys file": {[]string{"-keys", "/nonexistent"}, 2, "keys file"},
		"empty keys":   {[]string{"-keys", empty}, 2, "the list is empty"},
		"no models":    {[]string{"-models", "/nonexistent"}, 2, "models"},
		"usage lag":    {[]string{"-usage-lag", "-1s"}, 2, "usage lag -1s is negative"},
		"clock skew":   {[]string{"-clock-skew", "slow"}, 2, "invalid value"},
		"address":      {[]string{"-addr", "nowhere"}, 1, "listen"},
	} {
		var stderr bytes.Buffer
		code := simulator.Main(t.Context(), test.args, io.Discard, &stderr)
		if code != test.code || !strings.Contains(stderr.String(), test.complaint) {
			t.Errorf("%s: exit code %d, %s", name, code, stderr.String())
		}
	}
}

// TestLedgerByRequest reads the ledger as a test in another language would.
func TestLedgerByRequest(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	b.faults(simulator.Fault{Kind: simulator.FaultFailGeneration, Next: 1})
	b.generate("fails")
	id := b.generate("succeeds")
	got := b.get("/_sim/ledger").body
	want := map[string]any{
		"accepted": 2.0, "running": 0.0, "succeeded": 1.0, "failed": 1.0, "images": 1.0,
		"charged": 21.5, "refunded": 10.75, "paid": 10.75, "rateLimited": 0.0,
		"requests":    map[string]any{"POST /v1/generate/custom/{id}": 2.0},
		"peakRunning": map[string]any{"team_sim": 1.0}, "peakRequests": map[string]any{"proj_sim": 2.0},
	}
	if diff := cmp.Diff(want, got["totals"]); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	data, err := json.Marshal(b.sim.Ledger())
	if err != nil {
		t.Fatal(err)
	}
	var entries []any
	if err := json.Unmarshal(data, &entries); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(entries, got["entries"]); diff != "" {
		t.Errorf("entries (-method +request):\n%s", diff)
	}
	if last := entries[1]; at(last, "jobId") != id || at(last, "charge") != 10.75 || at(last, "input", "prompt") != "succeeds" {
		t.Errorf("last entry %v", last)
	}
	if short := b.get("/_sim/ledger?totals=true").body; short["entries"] != nil || short["totals"] == nil {
		t.Errorf("totals alone: %v", short)
	}
	if health := b.get("/_sim/health"); health.status != 200 || health.body["status"] != "ok" {
		t.Errorf("health %v", health)
	}
}
