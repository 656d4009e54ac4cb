package bucket_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/bucket"
	"nightshift/internal/job"
)

func TestParseLocation(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bucket.Location{
		"s3://images":                 {Bucket: "images"},
		"s3://images/":                {Bucket: "images"},
		"s3://images/nights/one/":     {Bucket: "images", Prefix: "nights/one"},
		"file:///srv/images":          {Folder: "/srv/images"},
		"file:///srv/images/":         {Folder: "/srv/images"},
		"file://localhost/srv/images": {Folder: "/srv/images"},
		"file:///with%20space":        {Folder: "/with space"},
	} {
		got, err := bucket.ParseLocation(text)
		if err != nil {
			t.Errorf("ParseLocation(%q): %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ParseLocation(%q) (-want +got):\n%s", text, diff)
		}
		if again, err := bucket.ParseLocation(got.String()); err != nil || again != got {
			t.Errorf("ParseLocation(%q) = %+v, %v, not %+v again", got.String(), again, err, got)
		}
	}
}

func TestParseLocationRefuses(t *testing.T) {
	t.Parallel()
	for text, hint := range map[string]string{
		"":                              "s3://bucket/prefix",
		"out":                           "file:///",
		"s3://":                         "s3://bucket/prefix",
		"s3://a":                        "s3://bucket/prefix",
		"s3://images/../x":              "s3://bucket/prefix",
		"s3://key:hidden@images/x":      "AWS_SECRET_ACCESS_KEY",
		"s3://images?region=x":          "AWS_REGION",
		"https://s3.example.com/images": "AWS_ENDPOINT_URL_S3",
		"file://server/images":          "three slashes",
		"file:images":                   "file:///",
		"gs://images":                   "s3://bucket/prefix",
		"s3://images:hidden/%zz":        "s3://bucket/prefix",
	} {
		_, err := bucket.ParseLocation(text)
		if !errors.Is(err, job.ErrInvalid) || !strings.Contains(job.Hint(err), hint) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("ParseLocation(%q): %v, hint %q", text, err, job.Hint(err))
		}
	}
}
