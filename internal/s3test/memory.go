package s3test

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
)

// Memory starts a server within the test's process. It checks signatures and the
// checksums before bodies, not those behind them; conditional requests are put in a
// line, because it would let several of them win.
func Memory(t testing.TB) *Server {
	t.Helper()
	server := httptest.NewTLSServer(oneByOne(memory(signed)))
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	s := started(t, server)
	s.CAFile, s.RootCAs = caFile, pool
	return s
}

// Plain is [Memory] without TLS.
func Plain(t testing.TB) *Server {
	t.Helper()
	return started(t, httptest.NewServer(oneByOne(memory(signed))))
}

// Weak is [Plain] as bad as servers are at all: it knows no checksums but MD5 and
// refuses the others, and it ignores conditions.
func Weak(t testing.TB) *Server {
	t.Helper()
	inner := memory() // signatures would not fit what it is handed
	return started(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Amz-Checksum-") || name == "X-Amz-Trailer" {
				w.Header().Set("Content-Type", "application/xml")
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, "<Error><Code>InvalidArgument</Code><Message>Unsupported header</Message></Error>")
				return
			}
		}
		if r.Method != http.MethodGet {
			r.Header.Del("If-Match")
			r.Header.Del("If-None-Match")
		}
		inner.ServeHTTP(w, r)
	})))
}

func memory(options ...gofakes3.Option) http.Handler {
	options = append(options, gofakes3.WithLogger(gofakes3.DiscardLog()), gofakes3.WithoutVersioning())
	return gofakes3.New(s3mem.New(), options...).Server()
}

func signed(g *gofakes3.GoFakeS3) { gofakes3.WithV4Auth(map[string]string{accessKey: secretKey})(g) }

func started(t testing.TB, server *httptest.Server) *Server {
	t.Cleanup(server.Close)
	return &Server{
		Endpoint: server.URL, Region: region, AccessKey: accessKey, SecretKey: secretKey,
		stop: func() error { server.Close(); return nil },
	}
}

// oneByOne lets one conditional request at a time through.
func oneByOne(next http.Handler) http.Handler {
	var line sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && (r.Header.Get("If-Match") != "" || r.Header.Get("If-None-Match") != "") {
			line.Lock()
			defer line.Unlock()
		}
		next.ServeHTTP(w, r)
	})
}
