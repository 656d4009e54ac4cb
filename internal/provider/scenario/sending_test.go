package scenario

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nightshift/internal/job"
)

// A server may close a kept connection just when the next request is on it. With
// a request that it could rewind, net/http would send that one again by itself.
func TestSubmitOnStaleConnectionIsSentOnce(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var submissions, connections atomic.Int64
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			serving.Go(func() { oneAnswer(conn, &submissions) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	client := newClient(t, "http://"+listener.Addr().String())

	// The first request leaves a connection behind; the second finds it.
	if _, err := client.Asset(t.Context(), "asset_1"); err != nil {
		t.Fatal(err)
	}
	_, err = client.Submit(t.Context(), time.Time{}, testRequest)
	if !unknown(err) {
		t.Errorf("got %v, want an unknown outcome", err)
	}
	if n := submissions.Load(); n != 1 {
		t.Errorf("the server saw %d submissions, want 1", n)
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections: the test did not reach a kept one", n)
	}
}

// oneAnswer answers the first request of a connection, reads the second, and
// hangs up.
func oneAnswer(conn net.Conn, submissions *atomic.Int64) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for answered := false; ; answered = true {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, request.Body)
		if request.Method == http.MethodPost {
			submissions.Add(1)
		}
		if answered {
			return
		}
		const body = `{"asset": {"id": "asset_1"}}`
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
}

func TestSubmitRequestCannotBeRewound(t *testing.T) {
	t.Parallel()
	var seen *http.Request
	client := clientOf(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		seen = r
		return nil, io.ErrUnexpectedEOF
	}))
	if _, err := client.Submit(t.Context(), time.Time{}, testRequest); !unknown(err) {
		t.Errorf("got %v, want an unknown outcome", err)
	}
	if seen.GetBody != nil || seen.ContentLength <= 0 {
		t.Errorf("GetBody set: %t, length %d", seen.GetBody != nil, seen.ContentLength)
	}
}

// What a transport says, and what it must show before it is believed.
func TestSubmitBelievesOnlyWhatIsShown(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	refused := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	getConn := func(r *http.Request) { httptrace.ContextClientTrace(r.Context()).GetConn("api.test:80") }
	wrote := func(r *http.Request) { httptrace.ContextClientTrace(r.Context()).WroteHeaders() }
	readBody := func(r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }
	tests := []struct {
		name        string
		steps       []func(*http.Request)
		err         error
		wantUnknown bool
	}{
		{"silent transport", nil, broken, true},
		{"silent transport, cancelled", nil, context.Canceled, true},
		{"silent transport that delivered", []func(*http.Request){readBody}, broken, true},
		{"silent transport, no connection", nil, refused, false},
		{"silent transport, no such host", nil, &net.DNSError{Err: "no such host", IsNotFound: true}, false},
		{"silent transport, connection broke", nil, &net.OpError{Op: "read", Err: errors.New("connection reset")}, true},
		{"reporting transport, nothing written", []func(*http.Request){getConn}, broken, false},
		{"reporting transport, body taken", []func(*http.Request){getConn, readBody}, broken, true},
		{"reporting transport, head written", []func(*http.Request){getConn, wrote}, broken, true},
		{"second try without connection", []func(*http.Request){getConn, wrote}, refused, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := clientOf(t, roundTrip(func(r *http.Request) (*http.Response, error) {
				for _, step := range test.steps {
					step(r)
				}
				return nil, test.err
			}))
			_, err := client.Submit(t.Context(), time.Time{}, testRequest)
			if unknown(err) != test.wantUnknown || !errors.Is(err, test.err) {
				t.Errorf("got %v, want unknown: %t", err, test.wantUnknown)
			}
		})
	}
}

func TestRefusesIDsThatNameSomethingElse(t *testing.T) {
	t.Parallel()
	client := clientOf(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		t.Errorf("sent %s", r.URL.Path)
		return nil, io.EOF
	}))
	for _, id := range []string{"", ".", ".."} {
		_, submitErr := client.Submit(t.Context(), time.Time{}, job.Request{Model: id, Inputs: testInputs})
		_, dryErr := client.Quote(t.Context(), job.Request{Model: id, Inputs: testInputs})
		_, modelErr := client.Model(t.Context(), id)
		_, jobErr := client.Inference(t.Context(), id)
		_, assetErr := client.Asset(t.Context(), id)
		for _, err := range []error{submitErr, dryErr, modelErr, jobErr, assetErr} {
			if !errors.Is(err, job.ErrInvalid) || unknown(err) {
				t.Errorf("id %q: %v", id, err)
			}
		}
	}
}
