package chaos

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"nightshift/internal/s3test"
)

// front stands before the S3 server, with the same certificate, and answers some
// requests in its place.
type front struct {
	server *httptest.Server
	proxy  *httputil.ReverseProxy

	mu   sync.Mutex
	mood frontMood
}

// frontMood is how it treats requests for a while; none goes through as it is.
type frontMood struct {
	name   string
	status int     // that it answers with; 0 breaks the connection off
	rate   float64 // of requests
	done   bool    // only after the server has done what was asked
}

var frontMoods = []frontMood{
	{name: "says 503", status: http.StatusServiceUnavailable, rate: 0.7},
	{name: "says 503 to all", status: http.StatusServiceUnavailable, rate: 1},
	{name: "says 500", status: http.StatusInternalServerError, rate: 0.5},
	{name: "says 500 and does it", status: http.StatusInternalServerError, rate: 0.5, done: true},
	{name: "does it and hangs up", rate: 0.4, done: true},
}

func newFront(t *testing.T, behind *s3test.Server) *front {
	t.Helper()
	target, err := url.Parse(behind.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	f := new(front)
	f.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
			r.Out.Host = r.In.Host // it is part of the signature
		},
		Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{RootCAs: behind.RootCAs, MinVersion: tls.VersionTLS12},
			MaxIdleConnsPerHost: 256, DisableCompression: true,
		},
		FlushInterval:  -1,
		ModifyResponse: f.spoil,
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
			panic(http.ErrAbortHandler) // the server is gone: so is the connection
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
	f.server = httptest.NewUnstartedServer(f)
	certificate, err := tls.LoadX509KeyPair(behind.CAFile, behind.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	f.server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	f.server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that were cut
	f.server.StartTLS()
	t.Cleanup(func() {
		f.server.CloseClientConnections()
		f.server.Close()
	})
	return f
}

func (f *front) addr() string { return f.server.Listener.Addr().String() }

func (f *front) set(m frontMood) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mood = m
}

func (f *front) drawn() (frontMood, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mood, rand.Float64() < f.mood.rate
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m, drawn := f.drawn(); drawn && !m.done {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(m.status)
		_, _ = io.WriteString(w, m.text()) // who asked may be gone
		return
	}
	f.proxy.ServeHTTP(w, r)
}

// text is what an S3 server says with the status.
func (m frontMood) text() string {
	code := "InternalError"
	if m.status == http.StatusServiceUnavailable {
		code = "SlowDown"
	}
	return "<Error><Code>" + code + "</Code><Message>chaos</Message></Error>"
}

var errHangUp = errors.New("hang up")

// spoil replaces the answer to what the server has done.
func (f *front) spoil(r *http.Response) error {
	m, drawn := f.drawn()
	if !drawn || !m.done {
		return nil
	}
	r.Body.Close()
	if m.status == 0 {
		r.Body = io.NopCloser(bytes.NewReader(nil))
		return errHangUp
	}
	text := m.text()
	r.StatusCode, r.Status = m.status, http.StatusText(m.status)
	r.Header = http.Header{"Content-Type": {"application/xml"}}
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	return nil
}
