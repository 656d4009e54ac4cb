package s3test_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"nightshift/internal/s3test"
)

// TestTrouble kills a server and starts it again, and lets it stand still.
func TestTrouble(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	bucket, key := "images", "batch/a"
	if err := server.MakeBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	put := &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("kept")}
	if _, err := server.Client().PutObject(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if response, err := http.Get(server.Endpoint); err == nil {
		response.Body.Close()
		t.Error("the server answers after it was killed")
	}
	endpoint := server.Endpoint
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := read(t, server, bucket, key); got != "kept" || server.Endpoint != endpoint {
		t.Errorf("at %s the object holds %q, want what it was at %s", server.Endpoint, got, endpoint)
	}

	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	answered := make(chan string, 1)
	go func() { answered <- read(t, server, bucket, key) }()
	select {
	case got := <-answered:
		t.Fatalf("a server that stands still has answered %q", got)
	case <-time.After(200 * time.Millisecond):
	}
	if err := server.Thaw(); err != nil {
		t.Fatal(err)
	}
	if got := <-answered; got != "kept" {
		t.Errorf("a server that goes on answers %q", got)
	}
}
