package s3test_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"nightshift/internal/s3test"
)

// TestObjectsOutliveTheServer stops a server and starts another on its folder.
func TestObjectsOutliveTheServer(t *testing.T) {
	t.Parallel()
	s3test.Start(t) // skips where there is none
	dir := t.TempDir()
	bucket, key := "images", "batch/a"
	for round := range 2 {
		server, err := s3test.Launch(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			put := &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("kept")}
			_, putErr := server.Client().PutObject(t.Context(), put)
			if putErr == nil {
				t.Error("an object was put into a bucket that was not made")
			}
			if err := server.MakeBucket(t.Context(), bucket); err != nil {
				t.Error(err)
			}
			put.Body = strings.NewReader("kept")
			if _, err := server.Client().PutObject(t.Context(), put); err != nil {
				t.Error(err)
			}
		}
		if got := read(t, server, bucket, key); got != "kept" {
			t.Errorf("round %d: the object holds %q", round, got)
		}
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
		response, err := http.Get(server.Endpoint)
		if err == nil {
			response.Body.Close()
			t.Error("the server answers after it was stopped")
		}
	}
}

func read(t *testing.T, server *s3test.Server, bucket, key string) string {
	t.Helper()
	output, err := server.Client().GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Error(err)
		return ""
	}
	defer output.Body.Close()
	data, err := io.ReadAll(output.Body)
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

func TestLaunchWithoutTheProgram(t *testing.T) {
	t.Setenv(s3test.BinaryVariable, t.TempDir()+"/none")
	if _, err := s3test.Launch(t.Context(), t.TempDir()); !errors.Is(err, s3test.ErrNoBinary) {
		t.Errorf("Launch = %v", err)
	}
}
