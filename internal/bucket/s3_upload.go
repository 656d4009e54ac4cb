package bucket

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// condition is what must hold of an object for a request to change it. The zero
// value demands nothing.
type condition struct {
	absent bool
	etag   string
}

func (c condition) ifNoneMatch() *string {
	if c.absent {
		return aws.String("*")
	}
	return nil
}

func (c condition) ifMatch() *string {
	if c.etag != "" {
		return &c.etag
	}
	return nil
}

// upload is an object that can be sent again and again.
type upload struct {
	key         string
	body        io.ReadSeeker
	contentType string
	metadata    map[string]string
	condition   condition
}

// send puts an object in one request. The server checks the bytes against a
// checksum that goes before them; where it checks none, its size is asked for
// afterwards. Errors are those of the SDK, for the caller to look at.
func (b *S3) send(ctx context.Context, u upload) error {
	input := &s3.PutObjectInput{
		Bucket: &b.bucket, Key: b.full(u.key), Body: u.body, ContentType: &u.contentType, Metadata: u.metadata,
		IfNoneMatch: u.condition.ifNoneMatch(), IfMatch: u.condition.ifMatch(),
	}
	size, sum, err := b.addChecksum(input, u.body)
	if err != nil {
		return err
	}
	input.ContentLength = &size
	output, err := b.client.PutObject(ctx, input, unsignedBody, b.asking(u.condition))
	if err != nil {
		return err
	}
	return b.confirm(ctx, u.key, size, sum, aws.ToString(output.ChecksumCRC32))
}

// addChecksum lets the server check the body: by CRC32 where the probe has shown
// that it does, by MD5 otherwise, which every server knows.
func (b *S3) addChecksum(input *s3.PutObjectInput, body io.ReadSeeker) (size int64, sum uint32, err error) {
	known := b.known()
	crc, hash := crc32.NewIEEE(), md5.New()
	var into io.Writer = crc
	if !known.HeaderCRC32 {
		into = io.MultiWriter(crc, hash)
	}
	if size, err = io.Copy(into, body); err != nil {
		return 0, 0, err
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return 0, 0, err
	}
	if known.HeaderCRC32 {
		input.ChecksumCRC32 = aws.String(crcHeader(crc.Sum32()))
	} else {
		input.ContentMD5 = aws.String(base64.StdEncoding.EncodeToString(hash.Sum(nil)))
	}
	return size, crc.Sum32(), nil
}

// confirm makes sure that what is stored is what was sent: by the checksum that the
// server answered with, else, where nothing else was checked, by the size.
func (b *S3) confirm(ctx context.Context, key string, size int64, sum uint32, returned string) error {
	if got := crcSidecar(returned); got != "" {
		if want := fmt.Sprintf("%08x", sum); got != want {
			return &otherBytesError{fmt.Sprintf("bytes with the checksum %s, sent were those with %s", got, want)}
		}
		return nil
	}
	known := b.known()
	if known.HeaderCRC32 || known.ContentMD5 {
		return nil
	}
	output, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.bucket, Key: b.full(key)})
	if err != nil {
		return err
	}
	if got := aws.ToInt64(output.ContentLength); got != size {
		return &otherBytesError{fmt.Sprintf("%d bytes, sent were %d", got, size)}
	}
	return nil
}

// otherBytesError says that a server has stored something else than it was sent.
type otherBytesError struct{ text string }

func (e *otherBytesError) Error() string { return "the server has stored " + e.text }

// unsignedBody keeps the bytes out of the signature on connections that are
// encrypted, which costs half of the time and protects nothing more there.
func unsignedBody(o *s3.Options) {
	if o.BaseEndpoint == nil || strings.HasPrefix(*o.BaseEndpoint, "https:") {
		o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
	}
}

// askedBytes is from which size on the server is asked first whether it takes an
// object, where a condition may be against it.
const askedBytes = 32 << 10

// asking lets the server refuse a request before its body is sent, where it can.
// Without that it often shows as a broken connection.
func (b *S3) asking(when condition) func(*s3.Options) {
	if when == (condition{}) || !b.known().Continue {
		return func(*s3.Options) {}
	}
	return askFirst
}

func askFirst(o *s3.Options) { o.ContinueHeaderThresholdBytes = askedBytes }
