package bucket_test

import (
	"net/http"
	"strings"
	"testing"

	"nightshift/internal/bucket"
)

// TestGoogleSignsLess looks at what is signed for a server that changes some of it
// on the way.
func TestGoogleSignsLess(t *testing.T) {
	t.Parallel()
	for endpoint, less := range map[string]bool{"https://storage.googleapis.com": true, "https://s3.example.com": false} {
		var seen []*http.Request
		b, err := bucket.NewS3(t.Context(), bucket.S3Options{
			Bucket: "images", Endpoint: endpoint, AccessKey: "a", SecretKey: "s",
			Wrap: func(http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					seen = append(seen, r)
					return answer(404, "NoSuchKey")(r, nil)
				})
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Open(t.Context(), "batch/x"); err == nil {
			t.Error("an object that is not there was opened")
		}
		signed := seen[0].Header.Get("Authorization")
		if strings.Contains(signed, "accept-encoding") == less || strings.Contains(seen[0].URL.RawQuery, "x-id") == less {
			t.Errorf("%s: signed is %s for %s", endpoint, signed, seen[0].URL)
		}
	}
}
