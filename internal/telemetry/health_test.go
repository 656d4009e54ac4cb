package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/telemetry"
)

// serve answers on a real listener and returns its address and how to stop it.
func serve(t *testing.T, ready func(context.Context) []telemetry.Check) (addr string, stop func() error) {
	t.Helper()
	_, registry := setup(t)
	handler := telemetry.Handler(registry, ready, logger(t))
	addr, stop, err := telemetry.Serve(t.Context(), "127.0.0.1:0", handler, logger(t))
	if err != nil {
		t.Fatalf("serve: %v", err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return addr, stop
}

func get(t *testing.T, addr, path string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("get %s: %v", path, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
	return response.StatusCode, string(text)
}

func TestHealthOnARealListener(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	addr, _ := serve(t, func(context.Context) []telemetry.Check {
		checks := []telemetry.Check{{Name: "redis"}, {Name: "bucket"}}
		if down.Load() {
			checks[0].Err = &job.HintedError{
				Err:  errors.New(`dial "redis://worker:hunter2@10.0.0.1:6379/0?x=hunter2": connection refused`),
				Hint: "start Redis",
			}
		}
		return checks
	})
	check := func(path string, wantStatus int, want string) {
		t.Helper()
		status, body := get(t, addr, path)
		if diff := cmp.Diff(fmt.Sprint(wantStatus, " ", want, "\n"), fmt.Sprint(status, " ", body)); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s", path, diff)
		}
	}
	check("/healthz", 200, `{"alive":true}`)
	check("/readyz", 200, `{"ready":true,"checks":[{"name":"redis","ok":true},{"name":"bucket","ok":true}]}`)
	down.Store(true)
	check("/healthz", 200, `{"alive":true}`)
	check("/readyz", 503, `{"ready":false,"checks":[{"name":"redis","ok":false,`+
		`"error":"dial \"redis://10.0.0.1:6379\": connection refused","hint":"start Redis"},{"name":"bucket","ok":true}]}`)
	status, body := get(t, addr, "/metrics")
	if status != 200 || !strings.Contains(body, `nightshift_build_info{version="1.2.3"} 1`) {
		t.Errorf("/metrics: %d %q", status, body)
	}
	if status, _ := get(t, addr, "/"); status != 404 {
		t.Errorf("/: %d, want 404", status)
	}
}

// Checks that hang must not leave a prober without an answer.
func TestReadinessHasADeadline(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	defer close(hang)
	addr, _ := serve(t, func(context.Context) []telemetry.Check {
		<-hang
		return nil
	})
	status, body := get(t, addr, "/readyz")
	want := `{"ready":false,"checks":[{"name":"checks","ok":false,"error":"no answer in time"}]}` + "\n"
	if status != 503 || body != want {
		t.Errorf("/readyz: %d %q, want 503 %q", status, body, want)
	}
}

func TestPortThatIsTaken(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, func(context.Context) []telemetry.Check { return nil })
	_, _, err := telemetry.Serve(t.Context(), addr, http.NotFoundHandler(), logger(t))
	if err == nil || !strings.Contains(job.Hint(err), "another process listens there") {
		t.Errorf("error %v with hint %q", err, job.Hint(err))
	}
}

func TestAddressWithoutPort(t *testing.T) {
	t.Parallel()
	_, _, err := telemetry.Serve(t.Context(), "127.0.0.1", http.NotFoundHandler(), logger(t))
	if err == nil || !strings.Contains(job.Hint(err), "as in 127.0.0.1:9464") {
		t.Errorf("error %v with hint %q", err, job.Hint(err))
	}
}

// 0.0.0.0 means every IPv4 address and nothing else.
func TestNumericIPv4IsNotIPv6(t *testing.T) {
	t.Parallel()
	addr, stop, err := telemetry.Serve(t.Context(), "0.0.0.0:0", http.NotFoundHandler(), logger(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	if !strings.HasPrefix(addr, "0.0.0.0:") {
		t.Errorf("listens at %s, want 0.0.0.0", addr)
	}
}

func TestServingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	gone := make(chan struct{})
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(gone) })
	addr, stop, err := telemetry.Serve(ctx, "127.0.0.1:0", handler, logger(t))
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := get(t, addr, "/"); status != 200 {
		t.Fatalf("status %d before the end", status)
	}
	<-gone
	end()
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	var dialer net.Dialer
	if conn, err := dialer.DialContext(t.Context(), "tcp4", addr); err == nil {
		t.Errorf("%s still answers", addr)
		_ = conn.Close()
	}
}
