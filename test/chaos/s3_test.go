package chaos

import (
	"context"
	"io"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"nightshift/internal/bucket"
	"nightshift/internal/s3test"
)

const (
	s3Bucket = "images"
	s3Prefix = "fleet"
)

// s3Storage is a bucket on a real S3 server: worker, link, front, server. The front can
// answer in its place.
type s3Storage struct {
	t      *testing.T
	server *s3test.Server
	front  *front
	made   map[string]*link // by who uses it
	direct *bucket.S3       // of the judges, past links and front
	up     bool             // the server runs and does not stand still
}

func newS3Storage(t *testing.T, dir string) *s3Storage {
	t.Helper()
	server := s3test.StartIn(t, filepath.Join(dir, "s3"))
	if err := server.MakeBucket(t.Context(), s3Bucket); err != nil {
		t.Fatal(err)
	}
	direct, err := bucket.NewS3(t.Context(), bucket.S3Options{
		Bucket: s3Bucket, Prefix: s3Prefix, Endpoint: server.Endpoint, Region: server.Region,
		AccessKey: server.AccessKey, SecretKey: server.SecretKey, RootCAs: server.RootCAs,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &s3Storage{t: t, server: server, front: newFront(t, server), made: make(map[string]*link), direct: direct, up: true}
}

// environ gives everybody a link of its own.
func (s *s3Storage) environ(user string) []string {
	l := s.made[user]
	if l == nil {
		l = newLink(s.t, user+" to S3", s.front.addr())
		s.made[user] = l
	}
	return append(s.server.Environ(), "AWS_ENDPOINT_URL_S3=https://"+l.addr(), "NIGHTSHIFT_BUCKET=s3://"+s3Bucket+"/"+s3Prefix)
}

func (s *s3Storage) link(user string) *link { return s.made[user] }

func (s *s3Storage) ready() bool { return s.up }

func (s *s3Storage) open(ctx context.Context, key string) (io.ReadCloser, error) {
	return s.direct.Open(ctx, key)
}

func (s *s3Storage) has(ctx context.Context, prefix string) (bool, error) {
	bucketName, full := s3Bucket, s3Prefix+"/"+prefix+"/"
	found, err := s.server.Client().ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucketName, Prefix: &full})
	return err == nil && len(found.Contents) > 0, err
}

func (s *s3Storage) faults() []bucketFault {
	faults := []bucketFault{
		{
			name: "S3 is killed with -9", kill: true,
			begin: func() error { s.up = false; return s.server.Kill() },
			end:   func() error { s.up = true; return s.server.Restart(context.Background()) },
		},
		{
			name:  "S3 stands still",
			begin: func() error { s.up = false; return s.server.Freeze() },
			end:   func() error { s.up = true; return s.server.Thaw() },
		},
	}
	for _, mood := range frontMoods {
		faults = append(faults, bucketFault{
			name:  "S3 " + mood.name,
			begin: func() error { s.front.set(mood); return nil },
			end:   func() error { s.front.set(frontMood{}); return nil },
		})
	}
	return faults
}
