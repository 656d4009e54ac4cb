package bucket

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// S3 is a bucket on an S3 server. It behaves as [Local] does; what differs is said
// at its methods. It is safe for use by many goroutines, and by any number of
// processes on any number of machines.
//
// Servers differ in what they check and in what they ignore. So before the first
// image [S3.Probe] tries it out, and images are stored in a way that is safe on the
// server at hand.
//
// Errors that a person can end (a missing permission, a wrong address) are a
// [job.HintedError]; a [job.PostponedError] with [job.WaitStorage] is found in
// those after which the work can go on, and in those that pass by themselves.
// Refused object keys wrap [job.ErrInvalid]. No error holds a credential.
type S3 struct {
	client *s3.Client
	bucket string
	prefix string
	place  place
	budget *budget
	keys   keyLocks
	notes  notes
	names  *shardNames
	log    *slog.Logger

	probing  sync.Mutex
	findings atomic.Pointer[Findings] // nil until probed
}

// S3Options says where a bucket is. What is left empty is found as every program
// that uses the AWS SDK finds it: environment, shared files, role of the machine.
type S3Options struct {
	Bucket string // required
	Prefix string // put before all object keys

	Endpoint  string // URL of the server; "" is AWS, or what AWS_ENDPOINT_URL_S3 says
	Region    string
	AccessKey string
	SecretKey string
	RootCAs   *x509.CertPool // who is trusted; nil is the system, or what AWS_CA_BUNDLE says
	// Wrap, where given, is put around the connection to the server.
	Wrap func(http.RoundTripper) http.RoundTripper

	// BufferBytes is how much is buffered at most by all that goes on at this bucket;
	// a process has one for all its work. Default DefaultBufferBytes.
	BufferBytes int64
	Workers     int           // how many requests go at a time, so many connections are kept; default 64
	Stall       time.Duration // a request in which no byte moves for so long has failed; default one minute
	Logger      *slog.Logger  // default: nothing is logged
}

const (
	defaultWorkers = 64
	defaultStall   = time.Minute
)

func (o S3Options) withDefaults() S3Options {
	if o.Workers <= 0 {
		o.Workers = defaultWorkers
	}
	if o.Stall <= 0 {
		o.Stall = defaultStall
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// NewS3 returns the bucket. It asks nothing of the server: [S3.Probe] does. The
// error is a [job.HintedError] when settings or credentials are missing.
func NewS3(ctx context.Context, o S3Options) (*S3, error) {
	o = o.withDefaults()
	where := Location{Bucket: o.Bucket, Prefix: strings.Trim(o.Prefix, "/")}
	where, err := ParseLocation(where.String())
	if err != nil {
		return nil, err
	}
	client, endpoint, err := newClient(ctx, o)
	if err != nil {
		return nil, err
	}
	return &S3{
		client: client,
		bucket: where.Bucket,
		prefix: where.Prefix,
		place:  place{bucket: where.String(), endpoint: endpoint},
		budget: newBudget(o.BufferBytes),
		names:  newShardNames(),
		log:    o.Logger,
	}, nil
}

// Path is how messages to people name an object.
func (b *S3) Path(objectKey string) string {
	return "s3://" + path.Join(b.bucket, b.prefix, path.Clean("/"+objectKey))
}

// Lock takes nothing: workers that share an S3 bucket keep out of each other's way
// by leases in Redis, and every object here may be written by many at once. It is
// there so that a caller need not know which kind of bucket it has.
func (b *S3) Lock(ctx context.Context, objectKey string) (unlock func() error, err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := checkKey(objectKey); err != nil {
		return nil, err
	}
	return func() error { return nil }, nil
}

// full is the name of an object within the bucket.
func (b *S3) full(key string) *string {
	full := path.Join(b.prefix, key)
	return &full
}

// fault explains what the server or the connection to it answered.
func (b *S3) fault(ctx context.Context, err error) error { return b.place.explain(ctx, err) }

// errMoved says that an object is not what it was when it was looked at.
var errMoved = errors.New("changed meanwhile")
