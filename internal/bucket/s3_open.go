package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Open returns an object for reading; the caller closes it. The error wraps
// [fs.ErrNotExist] where there is none. ctx is that of the whole reading.
//
// An object that was appended to is read as its base and then, in order, what was
// appended. What was appended when Open was called is never missing. When somebody
// folds it together meanwhile, lines may come twice; the order is kept within what
// was read at a time.
func (b *S3) Open(ctx context.Context, objectKey string) (io.ReadCloser, error) {
	body, err := b.open(ctx, objectKey)
	if err != nil {
		return nil, fmt.Errorf("open object %q: %w", objectKey, err)
	}
	return body, nil
}

func (b *S3) open(ctx context.Context, key string) (io.ReadCloser, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if !strings.HasSuffix(key, logSuffix) {
		return b.get(ctx, key)
	}
	return b.openLog(ctx, key)
}

// resumeTries bounds how often in a row reading goes on where a connection broke.
const resumeTries = 4

// object is an object that is being read. When the connection breaks it goes on
// where it was, as long as the object is the same.
type object struct {
	bucket *S3
	ctx    context.Context
	key    string
	etag   string
	body   io.ReadCloser
	size   int64
	at     int64
	failed int // in a row
}

// get opens one object as it is stored.
func (b *S3) get(ctx context.Context, key string) (*object, error) {
	o := &object{bucket: b, ctx: ctx, key: key}
	if err := o.request(); err != nil {
		return nil, err
	}
	return o, nil
}

func (o *object) request() error {
	input := &s3.GetObjectInput{Bucket: &o.bucket.bucket, Key: o.bucket.full(o.key)}
	if o.etag != "" {
		input.IfMatch = &o.etag
	}
	if o.at > 0 {
		input.Range = aws.String(fmt.Sprintf("bytes=%d-", o.at))
	}
	output, err := o.bucket.client.GetObject(o.ctx, input)
	if err != nil {
		return o.bucket.moved(o.ctx, err)
	}
	if o.at == 0 {
		o.size, o.etag = lengthSaid(output.ContentLength), aws.ToString(output.ETag)
	}
	o.body = output.Body
	return nil
}

func (o *object) Read(p []byte) (int, error) {
	for {
		n, err := o.body.Read(p)
		o.at += int64(n)
		switch {
		case n > 0:
			o.failed = 0
			if err != nil && !errors.Is(err, io.EOF) {
				err = nil // it comes again
			}
			return n, err
		case err == nil:
			return 0, nil
		case o.at == o.size || (errors.Is(err, io.EOF) && o.at > o.size):
			return 0, io.EOF // whatever became of the connection
		}
		if again := o.again(err); again != nil {
			return 0, again
		}
	}
}

// again opens the rest of an object whose connection broke.
func (o *object) again(err error) error {
	if o.failed++; o.failed > resumeTries || o.etag == "" || o.ctx.Err() != nil {
		return o.bucket.fault(o.ctx, err)
	}
	o.body.Close()
	if err := o.request(); err != nil {
		o.body = io.NopCloser(strings.NewReader(""))
		return fmt.Errorf("go on reading after a broken connection: %w", err)
	}
	return nil
}

func (o *object) Close() error { return o.body.Close() }

// lengthSaid is -1 where the server did not say how long an object is.
func lengthSaid(length *int64) int64 {
	if length == nil {
		return -1
	}
	return *length
}
