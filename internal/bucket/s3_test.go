package bucket_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/bucket"
	"nightshift/internal/bucket/buckettest"
	"nightshift/internal/job"
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

// TestS3OnPoorServersConforms is for servers without TLS, and such as know neither
// checksums nor conditions: everything is slower there, and nothing is wrong.
func TestS3OnPoorServersConforms(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB) *s3test.Server{"plain": s3test.Plain, "weak": s3test.Weak} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			buckettest.Run(t, func(t *testing.T) buckettest.Bucket { return newS3(t, server) })
		})
	}
}

func TestProbeFindsOutWhatServersDo(t *testing.T) {
	t.Parallel()
	all := bucket.Findings{
		Encrypted: true, Trailer: true, KeepsCRC32: true, HeaderCRC32: true, IfNoneMatch: true, IfMatch: true,
		ContentType: true, Continue: true, Stream: true,
	}
	memory, plain := all, all
	memory.KeepsCRC32, memory.Stream = false, false
	plain.KeepsCRC32, plain.Stream, plain.Encrypted, plain.Trailer, plain.Continue = false, false, false, false, false
	for name, test := range map[string]struct {
		server *s3test.Server
		want   bucket.Findings
		says   string
	}{
		"versitygw": {s3test.Start(t), all, "stream through"},
		"memory":    {s3test.Memory(t), memory, "buffered"},
		"plain":     {s3test.Plain(t), plain, "not encrypted"},
		"weak":      {s3test.Weak(t), bucket.Findings{ContentMD5: true, ContentType: true}, "MD5 is used"},
	} {
		o := options(t, test.server)
		found, err := sameBucket(t, o).Probe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found.ShortKept = false // depends on the version; see the test of short bodies
		if diff := cmp.Diff(test.want, found); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if !strings.Contains(found.String(), test.says) {
			t.Errorf("%s does not say %q:\n%s", name, test.says, found)
		}
		list, err := test.server.Client().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &o.Bucket})
		if err != nil || len(list.Contents) != 0 {
			t.Errorf("%s: %d objects are left of the probe: %v", name, len(list.Contents), err)
		}
	}
}

// TestS3FromTheEnvironment finds the server as the AWS SDK does.
func TestS3FromTheEnvironment(t *testing.T) {
	server := s3test.Memory(t)
	o := options(t, server)
	for _, setting := range server.Environ() {
		name, value, _ := strings.Cut(setting, "=")
		t.Setenv(name, value)
	}
	b, err := bucket.NewS3(t.Context(), bucket.S3Options{Bucket: o.Bucket})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Put(t.Context(), "batch/x", strings.NewReader("found")); err != nil {
		t.Fatal(err)
	}
	if got := text(t, b, "batch/x"); got != "found" {
		t.Errorf("the object holds %q", got)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	_, err = bucket.NewS3(t.Context(), bucket.S3Options{Bucket: o.Bucket})
	if !strings.Contains(job.Hint(err), "AWS_ACCESS_KEY_ID") {
		t.Errorf("without credentials: %v, hint %q", err, job.Hint(err))
	}
	t.Setenv("AWS_ENDPOINT_URL_S3", "https://user:hidden@127.0.0.1:1")
	_, err = bucket.NewS3(t.Context(), bucket.S3Options{Bucket: o.Bucket})
	if job.Hint(err) == "" || strings.Contains(err.Error()+job.Hint(err), "hidden") {
		t.Errorf("with a password in the address: %v, hint %q", err, job.Hint(err))
	}
	t.Setenv("AWS_ENDPOINT_URL_S3", "")
	t.Setenv("AWS_REGION", "")
	_, err = bucket.NewS3(t.Context(), bucket.S3Options{Bucket: o.Bucket})
	if !strings.Contains(job.Hint(err), "AWS_REGION") {
		t.Errorf("without region and endpoint: %v, hint %q", err, job.Hint(err))
	}
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
