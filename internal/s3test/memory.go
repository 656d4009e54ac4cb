package s3test

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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
	handler := gofakes3.New(s3mem.New(),
		gofakes3.WithV4Auth(map[string]string{accessKey: secretKey}),
		gofakes3.WithLogger(gofakes3.DiscardLog()),
		gofakes3.WithoutVersioning(),
	).Server()
	server := httptest.NewTLSServer(oneByOne(handler))
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &Server{
		Endpoint: server.URL, Region: region, AccessKey: accessKey, SecretKey: secretKey, CAFile: caFile, RootCAs: pool,
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
