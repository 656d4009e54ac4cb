package bucket_test

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"nightshift/internal/bucket"
	"nightshift/internal/bucket/buckettest"
	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
	"nightshift/internal/s3test"
)

func waitsForStorage(err error) bool {
	postponed, ok := errors.AsType[*job.PostponedError](err)
	return ok && postponed.Reason == job.WaitStorage && postponed.After > 0 && !postponed.NeedsOperator
}

// passing are the faults that go away by themselves.
var passing = map[string]between{
	"slow down": answer(503, "SlowDown"), "internal error": answer(500, "InternalError"), "reset": reset, "no answer": noAnswer,
	"conflict": answer(409, "ConditionalRequestConflict"),
}

func shortStall(o *bucket.S3Options) { o.Stall = 200 * time.Millisecond }

func TestSmallObjectsOutliveFaultsThatPass(t *testing.T) {
	t.Parallel()
	server := s3test.Memory(t)
	for name, fault := range passing {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trouble := newTrouble(isPut("results.jsonl"), fault, 2)
			b := newS3(t, server, through(trouble.see), shortStall)
			if err := b.Append(t.Context(), "batch/results.jsonl", []byte("line\n")); err != nil {
				t.Errorf("Append: %v", err)
			}
			if hit := trouble.hit.Load(); hit != 2 {
				t.Errorf("the fault came %d times, want 2", hit)
			}
			if got := text(t, b, "batch/results.jsonl"); got != "line\n" {
				t.Errorf("the log holds %q", got)
			}
		})
	}
}

func TestImagesWaitForFaultsThatPass(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, server *s3test.Server) {
		for name, fault := range passing {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				imageOutlives(t, server, fault)
			})
		}
	})
}

// TestLostAnswerIsNotMistakenForAFailure loses what the server says of an image that
// it has stored.
func TestLostAnswerIsNotMistakenForAFailure(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, server *s3test.Server) {
		lost := newTrouble(isPut("batch/"), loseAnswer, 0)
		b := newS3(t, server, through(lost.see))
		probe(t, b)
		file := buckettest.PNG(300, 200, 1)
		lost.left.Store(1)
		image, err := putImage(t, b, once(file), len(file), meta)
		if err != nil {
			t.Fatalf("PutImage: %v", err)
		}
		if again, found, err := b.Existing(t.Context(), "batch/a.{ext}", meta); !found || err != nil || again != image {
			t.Errorf("Existing = %+v, %v, %v", again, found, err)
		}
		lost.left.Store(1)
		if err := b.Append(t.Context(), logKey, []byte("line\n")); err != nil {
			t.Fatalf("Append: %v", err)
		}
		if got := text(t, b, logKey); got != "line\n" {
			t.Errorf("the log holds %q", got)
		}
		if hit := lost.hit.Load(); hit != 2 {
			t.Errorf("%d answers were lost", hit)
		}
	})
}

func imageOutlives(t *testing.T, server *s3test.Server, fault between) {
	trouble := newTrouble(isPut("a.png"), fault, 0)
	b := newS3(t, server, through(trouble.see), shortStall)
	probe(t, b)
	file := buckettest.PNG(300, 200, 1)
	put := func() error {
		_, err := b.PutImage(t.Context(), image.Put{Name: "batch/a.png", Body: once(file), Length: int64(len(file)), Metadata: image.Metadata{Job: "j"}})
		return err
	}
	trouble.left.Store(always)
	if err := put(); !waitsForStorage(err) || !bucket.Away(err) {
		t.Errorf("PutImage while it lasts: %v; away: %v", err, bucket.Away(err))
	}
	trouble.left.Store(0)
	if err := put(); err != nil {
		t.Errorf("PutImage when it is over: %v", err)
	}
	if got := text(t, b, "batch/a.png"); got != string(file) {
		t.Errorf("the image came back as %d other bytes", len(got))
	}
}

func TestWhatAPersonCanMendIsExplained(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close() // now nobody listens there
	tests := []struct {
		name, text, hint string
		change           func(*bucket.S3Options)
		away             bool
	}{
		{"no such bucket", "there is no such bucket", "make the bucket", func(o *bucket.S3Options) { o.Bucket = "never-made" }, false},
		{"wrong secret", "the secret key is wrong", "AWS_SECRET_ACCESS_KEY", func(o *bucket.S3Options) { o.SecretKey = "wrong-secret" }, false},
		{"unknown access key", "does not know this access key", "AWS_ACCESS_KEY_ID", func(o *bucket.S3Options) { o.AccessKey = "wrong-access" }, false},
		{"wrong region", "in another region", "AWS_REGION", func(o *bucket.S3Options) { o.Region = "eu-west-9" }, false},
		{"nobody listens", "the server is not reached", "AWS_ENDPOINT_URL_S3",
			func(o *bucket.S3Options) { o.Endpoint = "https://" + nobody.Addr().String() }, true},
		{"no TLS there", "", "AWS_ENDPOINT_URL_S3", func(o *bucket.S3Options) { o.Endpoint = "https://" + plainServer(t) }, false},
		{"not trusted", "certificate is not trusted", "AWS_CA_BUNDLE", func(o *bucket.S3Options) { o.RootCAs = s3test.Memory(t).RootCAs }, false},
		{"access denied", "access denied", "docs/storage.md", through(newTrouble(isPut(""), answer(403, "AccessDenied"), always).see), false},
		{"clock", "the clock of this machine is wrong", "clock", through(newTrouble(isPut(""), answer(403, "RequestTimeTooSkewed"), always).see), false},
		{"quota", "quota", "free space", through(newTrouble(isPut(""), answer(507, ""), always).see), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newS3(t, server, test.change)
			_, probeErr := b.Probe(t.Context())
			file := buckettest.PNG(30, 20, 1)
			_, imageErr := b.PutImage(t.Context(), image.Put{Name: "batch/a.png", Body: bytes.NewReader(file), Length: -1})
			for what, err := range map[string]error{
				"Probe": probeErr, "PutImage": imageErr, "Append": b.Append(t.Context(), "batch/log.jsonl", []byte("x\n")),
				"Put": b.Put(t.Context(), "batch/report.json", strings.NewReader("{}")),
			} {
				if err == nil || !strings.Contains(err.Error(), test.text) || !strings.Contains(job.Hint(err), test.hint) || !waitsForStorage(err) || bucket.Away(err) != test.away || bucket.Full(err) != (test.name == "quota") {
					t.Errorf("%s: %v\nhint %q\nwaits: %v, away: %v, full: %v", what, err, job.Hint(err), waitsForStorage(err), bucket.Away(err), bucket.Full(err))
				}
				for _, secret := range []string{server.SecretKey, "wrong-secret", "Signature=", "Credential="} {
					if err != nil && strings.Contains(err.Error()+job.Hint(err), secret) {
						t.Errorf("%s shows %q: %v", what, secret, err)
					}
				}
			}
		})
	}
}
