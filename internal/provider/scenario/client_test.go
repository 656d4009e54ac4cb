package scenario

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]Options{
		"no base URL":         {Key: "k"},
		"no scheme":           {BaseURL: "api.cloud.scenario.com/v1", Key: "k"},
		"another scheme":      {BaseURL: "ftp://api.test", Key: "k"},
		"no host":             {BaseURL: "https:///v1", Key: "k"},
		"no address":          {BaseURL: "https://api.test:hidden-pass", Key: "k"},
		"plain http afar":     {BaseURL: "http://api.cloud.scenario.com/v1", Key: "k", Secret: "hidden-pass"},
		"credentials in base": {BaseURL: "https://me:hidden-pass@api.test", Key: "k"},
		"query":               {BaseURL: "https://api.test/v1?projectId=hidden-pass", Key: "k"},
		"fragment":            {BaseURL: "https://api.test/v1#top", Key: "k"},
		"no key":              {BaseURL: "https://api.test", Secret: "hidden-pass"},
		"colon in the key":    {BaseURL: "https://api.test", Key: "k:hidden-pass"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := New(options)
			if err == nil || client != nil {
				t.Fatalf("got %v, %v; want an error", client, err)
			}
			if strings.Contains(err.Error(), "hidden-pass") {
				t.Errorf("%q betrays what may be secret", err)
			}
		})
	}
}

func TestBasePath(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"http://api":                "http://api/v1/assets/a",
		"http://api/":               "http://api/v1/assets/a",
		"http://api/v1":             "http://api/v1/assets/a",
		"http://api/v1/":            "http://api/v1/assets/a",
		"https://gate.test/sc/v2//": "https://gate.test/sc/v2/assets/a",
		"http://127.0.0.1:8080":     "http://127.0.0.1:8080/v1/assets/a",
	} {
		var got string
		client, err := New(Options{BaseURL: base, Key: "k", Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			got, _, _ = strings.Cut(r.URL.String(), "?")
			return nil, io.EOF
		})})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = client.Asset(t.Context(), "a")
		if got != want {
			t.Errorf("%s asks %s, want %s", base, got, want)
		}
	}
}

// TestPlainHTTPStaysNear: a mistyped scheme must not send the API key over the
// internet in the clear.
func TestPlainHTTPStaysNear(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "localhost:8090": true, "LOCALHOST": true, "api.localhost": true,
		"simulator": true, "simulator:8090": true, "scenario_sim-2": true,
		"127.0.0.1:8090": true, "127.8.9.1": true, "[::1]:8090": true, "[::ffff:127.0.0.1]": true,
		"10.1.2.3": true, "172.20.0.4": true, "192.168.1.9:80": true, "169.254.1.1": true,
		"[fd00::1]": true, "[fe80::1%25eth0]": true,
		"api.cloud.scenario.com": false, "simulator.": false, "api.test": false, "localhost.test": false,
		"203.0.113.5": false, "172.32.0.1": false, "[2001:db8::1]": false, "0.0.0.0": false,
		"134744072": false, "0x8080808": false, "api。scenario。com": false,
	} {
		client, err := New(Options{BaseURL: "http://" + host, Key: "k", Secret: "s"})
		if got := err == nil; got != want {
			t.Errorf("http://%s is taken: %t, want %t (%v)", host, got, want, err)
		}
		if !want && !errors.Is(err, errFarHTTP) {
			t.Errorf("http://%s is refused with %v", host, err)
		}
		if client != nil {
			client.Close()
		}
		if _, err := New(Options{BaseURL: "https://" + host, Key: "k", Secret: "s"}); err != nil {
			t.Errorf("https://%s: %v", host, err)
		}
	}
}

func TestErrorsHideCredentials(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		answer(400, fmt.Sprintf(`{"reason": "bad header %s of %s with %s"}`, r.Header.Get("Authorization"), testKey, testSecret))(w, r)
	})
	client := newClient(t, server.URL)
	_, err := client.Submit(t.Context(), time.Time{}, testRequest)
	if err == nil || !strings.Contains(err.Error(), "bad header Basic [hidden] of [hidden] with [hidden]") {
		t.Errorf("got %v", err)
	}
	if text := fmt.Sprintf("%v %+v", client, client); strings.Contains(text, testSecret) {
		t.Errorf("a printed client shows its secret: %s", text)
	}
}

// The API key must not follow a redirect, and an error about the network says
// what was tried in our words.
func TestReadsDoNotFollowRedirects(t *testing.T) {
	t.Parallel()
	var strangers atomic.Int64
	stranger := serve(t, func(http.ResponseWriter, *http.Request) { strangers.Add(1) })
	client := newClient(t, serve(t, to(stranger.URL)).URL)
	_, err := client.Inference(t.Context(), "job_1")
	if err == nil || job.Hint(err) == "" || strangers.Load() != 0 {
		t.Errorf("got %v with hint %q, %d requests elsewhere", err, job.Hint(err), strangers.Load())
	}
}

func TestNetworkErrorsAreOurs(t *testing.T) {
	t.Parallel()
	client := clientOf(t, roundTrip(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }))
	_, err := client.Inference(t.Context(), "job_1")
	if want := `read inference "job_1": unexpected EOF`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
}

func TestReadDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"job": {`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		began := time.Now()
		_, err := clientOf(t, transport).Inference(t.Context(), "job_1")
		if want := `read inference "job_1": read the reply: no answer within 30s`; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestObserveCountsEachRequest(t *testing.T) {
	t.Parallel()
	server := serve(t, answer(200, `{}`))
	counts, lock := map[Operation]int{}, sync.Mutex{}
	client, err := New(Options{BaseURL: server.URL, Key: testKey, Observe: func(op Operation) {
		lock.Lock()
		defer lock.Unlock()
		counts[op]++
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	ctx := t.Context()
	var calls sync.WaitGroup
	for range 3 {
		calls.Go(func() { _, _ = client.Model(ctx, "m") })
		calls.Go(func() { _, _ = client.Quote(ctx, job.Request{Model: "m"}) })
		calls.Go(func() { _, _ = client.Submit(ctx, time.Time{}, job.Request{Model: "m"}) })
		calls.Go(func() { _, _ = client.Inference(ctx, "j") })
		calls.Go(func() { _, _, _ = client.Inferences(ctx, "", 1) })
		calls.Go(func() { _, _ = client.Asset(ctx, "a") })
		calls.Go(func() { _, _ = client.Assets(ctx, []string{"a"}) })
	}
	calls.Wait()
	want := map[Operation]int{OpModel: 3, OpDryRun: 3, OpSubmit: 3, OpJob: 3, OpJobs: 3, OpAsset: 3, OpAssets: 3}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
