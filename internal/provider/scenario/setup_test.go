package scenario

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"nightshift/internal/job"
)

const (
	testKey    = "api_test_key_0001"
	testSecret = "secret_of_the_test"
	testModel  = "model_bfl-flux-1-dev"
)

var testInputs = job.Inputs{"prompt": "a red potion"}

var testRequest = job.Request{Model: testModel, Inputs: testInputs}

// newClient makes a client of the API at url, with transports of its own.
func newClient(t *testing.T, url string) *Client {
	t.Helper()
	client, err := New(Options{BaseURL: url, Key: testKey, Secret: testSecret})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// clientOf makes a client whose requests go through transport.
func clientOf(t *testing.T, transport http.RoundTripper) *Client {
	t.Helper()
	client, err := New(Options{BaseURL: "http://api", Key: testKey, Secret: testSecret, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// serve runs a server for one test.
func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// serveTLS runs a server that speaks HTTP/2 too, with a certificate that nobody
// knows; connections that fail for it are not logged.
func serveTLS(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// answer replies to every request alike.
func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// roundTrip is a transport made of a function; it calls no trace hooks.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// unknown reports whether the error leaves open what was paid.
func unknown(err error) bool {
	_, ok := errors.AsType[*job.UnknownOutcomeError](err)
	return ok
}

// dateHeader is that of a reply of a server whose clock shows at.
func dateHeader(at time.Time) http.Header {
	return http.Header{"Date": {at.UTC().Format(http.TimeFormat)}}
}
