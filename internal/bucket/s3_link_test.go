package bucket_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"nightshift/internal/bucket"
	"nightshift/internal/s3test"
)

// A link opens without a credential, and no longer once its time is over.
func TestLinkOpensForAWhile(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	if err := server.MakeBucket(t.Context(), "art"); err != nil {
		t.Fatal(err)
	}
	b, err := bucket.NewS3(t.Context(), bucket.S3Options{
		Bucket: "art", Prefix: "nights", Endpoint: server.Endpoint, Region: server.Region,
		AccessKey: server.AccessKey, SecretKey: server.SecretKey, RootCAs: server.RootCAs,
	})
	if err != nil {
		t.Fatal(err)
	}
	const key = "icons/a sword+1.txt"
	if err := b.Put(t.Context(), key, strings.NewReader("sharp")); err != nil {
		t.Fatal(err)
	}
	link, err := b.Link(t.Context(), key, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: server.RootCAs}}}
	defer client.CloseIdleConnections()
	get := func() (int, string) {
		reply, err := client.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		body, err := io.ReadAll(reply.Body)
		if err != nil {
			t.Fatal(err)
		}
		return reply.StatusCode, string(body)
	}
	if code, body := get(); code != http.StatusOK || body != "sharp" {
		t.Errorf("the link answers %d, %q", code, body)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		code, _ := get()
		if code == http.StatusForbidden || code == http.StatusBadRequest {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the link still answers %d after its time", code)
		}
	}
}
