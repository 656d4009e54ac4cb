package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
)

const acceptedBody = `{"job": {"jobId": "job_KWxx", "jobType": "custom", "status": "queued", "progress": 0,
	"metadata": {"input": {"modelId": "model_bfl-flux-1-dev", "prompt": "a red potion"}},
	"authorId": "apiu_1", "createdAt": "2026-08-28T07:37:09.434Z", "updatedAt": "2026-08-28T07:37:09.568Z"},
	"creativeUnitsCost": 10.75}`

func TestSubmitSendsOneFlatRequest(t *testing.T) {
	t.Parallel()
	type sent struct {
		Method, URI, User, Password, Body, ContentType string
		Replayable                                     bool
	}
	var got []sent
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		body, _ := io.ReadAll(r.Body)
		got = append(got, sent{
			r.Method, r.RequestURI, user, password, string(body), r.Header.Get("Content-Type"),
			r.Header.Get("Idempotency-Key") != "" || r.Header.Get("X-Idempotency-Key") != "",
		})
		answer(200, acceptedBody)(w, r)
	})
	var operations []Operation
	client, err := New(Options{
		BaseURL: server.URL + "/", Key: testKey, Secret: testSecret, Project: "proj 1",
		Observe: func(op Operation) { operations = append(operations, op) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)

	inputs := job.Inputs{"prompt": "<b> & c", "seed": json.Number("12"), "loras": []any{"m"}}
	run, err := client.Submit(t.Context(), time.Time{}, job.Request{Model: "model/x", Inputs: inputs})
	if err != nil {
		t.Fatal(err)
	}
	want := []sent{{
		"POST", "/v1/generate/custom/model%2Fx?projectId=proj+1", testKey, testSecret,
		`{"loras":["m"],"prompt":"<b> & c","seed":12}`, "application/json", false,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	wantRun := &job.Inference{
		ID: "job_KWxx", Model: "model_bfl-flux-1-dev", ProviderKeyID: "apiu_1", Status: job.RunActive,
		Inputs:    job.Inputs{"prompt": "a red potion"},
		CreatedAt: time.Date(2026, 8, 28, 7, 37, 9, 434e6, time.UTC),
		UpdatedAt: time.Date(2026, 8, 28, 7, 37, 9, 568e6, time.UTC),
	}
	if diff := cmp.Diff(wantRun, run); diff != "" {
		t.Errorf("inference (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Operation{OpSubmit}, operations); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

func TestSubmitReadsWhateverNamesTheJob(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"odd neighbours":   `{"job": {"jobId": "job_1", "status": 7, "metadata": [], "billing": "free", "createdAt": {}}}`,
		"quick start":      `{"job": {"id": "job_1"}}`,
		"beside the job":   `{"jobId": "job_1"}`,
		"a bare id":        `{"job": "job_1"}`,
		"unknown status":   `{"job": {"jobId": "job_1", "status": "dreaming"}}`,
		"unreadable times": `{"job": {"jobId": "job_1", "createdAt": "yesterday", "metadata": {"input": 4}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, serve(t, answer(202, body)).URL)
			run, err := client.Submit(t.Context(), time.Time{}, job.Request{Model: testModel})
			if err != nil {
				t.Fatal(err)
			}
			want := &job.Inference{ID: "job_1", Model: testModel, Opaque: true, Status: job.RunActive}
			if name == "unknown status" {
				want.Strange = "dreaming"
			}
			if diff := cmp.Diff(want, run); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Each of these servers has the whole request before it does what it does, so
// each may have accepted it, and none may see a second one.
func TestSubmitLostReply(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]http.HandlerFunc{
		"connection closed": func(w http.ResponseWriter, _ *http.Request) { hijack(w, "") },
		"reset":             reset,
		"half a head":       func(w http.ResponseWriter, _ *http.Request) { hijack(w, "HTTP/1.1 200 OK\r\nContent-Le") },
		"half a body": func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"job\": {\"job")
		},
		"no HTTP":            func(w http.ResponseWriter, _ *http.Request) { hijack(w, "hello\r\n") },
		"page with 200":      answer(200, "<html>welcome</html>"),
		"no job":             answer(200, `{"creativeUnitsCost": 9}`),
		"dry run instead":    answer(269, `{"creativeUnitsCost": 9}`),
		"empty 204":          answer(204, ""),
		"500 with words":     answer(500, `{"reason": "internal"}`),
		"502 with page":      answer(502, "<html>bad gateway</html>"),
		"503":                answer(503, ""),
		"504":                answer(504, `{"message": "Endpoint request timed out"}`),
		"408":                answer(408, ""),
		"see other":          redirectTo(303),
		"moved":              redirectTo(301),
		"temporary redirect": redirectTo(307),
		"permanent redirect": redirectTo(308),
		"too large":          answer(200, `{"job": {"jobId": "`+strings.Repeat("x", maxReply)+`"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				_, _ = io.Copy(io.Discard, r.Body)
				reply(w, r)
			})
			_, err := newClient(t, server.URL).Submit(t.Context(), time.Time{}, testRequest)
			if !unknown(err) || errors.Is(err, job.ErrInvalid) {
				t.Errorf("got %v, want an unknown outcome", err)
			}
			if n := requests.Load(); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

func TestSubmitNoConnection(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	secure := serveTLS(t, answer(200, acceptedBody))
	plain := serve(t, answer(200, acceptedBody))
	for name, url := range map[string]string{
		"nobody listens":        closed.URL,
		"certificate not known": secure.URL,
		"no TLS there":          "https" + strings.TrimPrefix(plain.URL, "http"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newClient(t, url).Submit(t.Context(), time.Time{}, testRequest)
			if err == nil || unknown(err) {
				t.Errorf("got %v, want an error that nothing was sent", err)
			}
		})
	}
}

func TestSubmitOverTLS(t *testing.T) {
	t.Parallel()
	var protocol string
	server := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
		protocol = r.Proto
		answer(200, acceptedBody)(w, r)
	})
	transport := newAPITransport()
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	transport.TLSClientConfig.NextProtos = nil
	client, err := New(Options{BaseURL: server.URL, Key: testKey, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if _, err := client.Submit(t.Context(), time.Time{}, testRequest); err != nil {
		t.Fatal(err)
	}
	if protocol != "HTTP/1.1" {
		t.Errorf("spoke %s", protocol)
	}
}

func TestSubmitContextAlreadyDone(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := serve(t, func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(job.ErrInterrupted)
	_, err := newClient(t, server.URL).Submit(ctx, time.Time{}, testRequest)
	if unknown(err) || !errors.Is(err, job.ErrInterrupted) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want interrupted", err)
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests, want none", n)
	}
}

func TestSubmitInterruptedWhileConnecting(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	transport := newAPITransport()
	transport.DialContext = func(dialing context.Context, _, _ string) (net.Conn, error) {
		cancel(job.ErrInterrupted)
		<-dialing.Done()
		return nil, dialing.Err()
	}
	_, err := clientOf(t, transport).Submit(ctx, time.Time{}, testRequest)
	if unknown(err) || !errors.Is(err, job.ErrInterrupted) {
		t.Errorf("got %v, want interrupted with nothing sent", err)
	}
}

func TestSubmitInterruptedWhileWaiting(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel(job.ErrInterrupted)
		<-r.Context().Done()
	})
	_, err := newClient(t, server.URL).Submit(ctx, time.Time{}, testRequest)
	if !unknown(err) || !errors.Is(err, job.ErrInterrupted) {
		t.Errorf("got %v, want an unknown outcome because of the interruption", err)
	}
}

func TestSubmitDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := servePipe(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		})
		transport.ResponseHeaderTimeout = 0
		client := clientOf(t, transport)
		began := time.Now()
		_, err := client.Submit(t.Context(), time.Time{}, testRequest)
		if !unknown(err) || !strings.Contains(err.Error(), "no answer within 1m0s") {
			t.Errorf("got %v, want an unknown outcome after a minute", err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("waited %s", took)
		}
	})
}

// hijack writes raw text to the connection and closes it.
func hijack(w http.ResponseWriter, text string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(conn, text)
	_ = conn.Close()
}

// reset ends the connection with a TCP reset.
func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// redirectTo sends the caller to the very same address again.
func redirectTo(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.RequestURI)
		w.WriteHeader(status)
	}
}
