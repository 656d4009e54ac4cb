package bucket_test

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"nightshift/internal/s3test"
)

// TestSweepTakesBackOldUploads has an upload that nobody works on any more, seen
// first as it is and then as if years had passed.
func TestSweepTakesBackOldUploads(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, server *s3test.Server) {
		o := options(t, server)
		begin := func(key string) {
			if _, err := server.Client().CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &o.Bucket, Key: &key}); err != nil {
				t.Fatal(err)
			}
		}
		begin(o.Prefix + "/batch/large")
		begin("somebody-elses/large")
		if removed, err := sameBucket(t, o).Sweep(t.Context(), "batch"); removed != 0 || err != nil {
			t.Errorf("Sweep of a fresh upload = %d, %v", removed, err)
		}
		old := sameBucket(t, o, through(longAgo))
		if removed, err := old.Sweep(t.Context(), "other"); removed != 0 || err != nil {
			t.Errorf("Sweep of another folder = %d, %v", removed, err)
		}
		if removed, err := old.Sweep(t.Context(), "."); removed != 1 || err != nil {
			t.Errorf("Sweep of an old upload = %d, %v", removed, err)
		}
		left, err := server.Client().ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &o.Bucket})
		if err != nil || len(left.Uploads) != 1 || aws.ToString(left.Uploads[0].Key) != "somebody-elses/large" {
			t.Errorf("left are %+v: %v", left, err)
		}
	})
}

var initiated = regexp.MustCompile(`<Initiated>[^<]*</Initiated>`)

// longAgo makes a server say that all uploads were begun years ago.
func longAgo(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	response, err := next.RoundTrip(r)
	if err != nil || !strings.Contains(r.URL.RawQuery, "uploads") {
		return response, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	text = initiated.ReplaceAll(text, []byte("<Initiated>2020-01-02T03:04:05.000Z</Initiated>"))
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return response, nil
}
