package bucket_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"nightshift/internal/bucket"
	"nightshift/internal/bucket/buckettest"
	"nightshift/internal/s3test"
)

var bucketNumber atomic.Int64

// newS3 returns a bucket of its own on the server, changed as said.
func newS3(t testing.TB, server *s3test.Server, change ...func(*bucket.S3Options)) *bucket.S3 {
	t.Helper()
	options := options(t, server)
	for _, c := range change {
		c(&options)
	}
	b, err := bucket.NewS3(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// options are for a bucket that was made for the test.
func options(t testing.TB, server *s3test.Server) bucket.S3Options {
	t.Helper()
	name := fmt.Sprintf("test-%d", bucketNumber.Add(1))
	if err := server.MakeBucket(context.WithoutCancel(t.Context()), name); err != nil {
		t.Fatal(err)
	}
	return bucket.S3Options{
		Bucket: name, Prefix: "nights/one", Endpoint: server.Endpoint, Region: server.Region,
		AccessKey: server.AccessKey, SecretKey: server.SecretKey, RootCAs: server.RootCAs,
	}
}

// servers are the kinds of server that S3 is tested on.
var servers = map[string]func(t *testing.T) *s3test.Server{
	"in memory": func(t *testing.T) *s3test.Server { return s3test.Memory(t) },
	"versitygw": func(t *testing.T) *s3test.Server { return s3test.Start(t) },
}

// onServers runs a test on each.
func onServers(t *testing.T, test func(t *testing.T, server *s3test.Server)) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
}

func TestS3Conforms(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, server *s3test.Server) {
		buckettest.Run(t, func(t *testing.T) buckettest.Bucket { return newS3(t, server) })
	})
}

// text reads an object.
func text(t testing.TB, b *bucket.S3, key string) string {
	t.Helper()
	body, err := b.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// plainServer is the address of a server that does not speak TLS.
func plainServer(t testing.TB) string {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}
