package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
)

// PutImage checks an image while it is sent and stores it with its metadata; see
// [Local.PutImage]. The image of another job under the name is replaced, the same
// image is left as it is.
//
// Where the server is known to refuse what is incomplete, the image streams through
// in constant memory. Otherwise, or when its length is not known, it is buffered
// and verified first; the memory of all of these together is bounded, and who
// finds it used up waits in a line.
//
// A body that went half its way cannot be sent again: the error then is one that
// passes, and the image is to be fetched again. The next try is buffered.
func (b *S3) PutImage(ctx context.Context, p image.Put) (job.Image, error) {
	stored, err := b.putImage(ctx, p)
	if err != nil {
		return job.Image{}, fmt.Errorf("store image %q: %w", p.Name, err)
	}
	return stored, nil
}

func (b *S3) putImage(ctx context.Context, p image.Put) (job.Image, error) {
	if ctx.Err() != nil {
		return job.Image{}, context.Cause(ctx)
	}
	known, err := b.probed(ctx)
	if err != nil {
		return job.Image{}, err
	}
	back := rewinder(p.Body)
	key, guard, err := begin(p)
	if err != nil {
		return job.Image{}, err
	}
	defer b.keys.lock(key)()
	put := imagePut{bucket: b, key: key, meta: p.Metadata, guard: guard, note: b.notes.take(key), known: known}
	_, _, sized := guard.Geometry()
	if known.Stream && p.Length >= 0 && sized && !put.note.buffer {
		stored, err := put.stream(ctx, p.Length)
		if !errors.Is(err, errOtherImage) || !back() {
			return stored, err
		}
		put.note = b.notes.take(key)
		put.guard = p.Guard()
	}
	return put.buffered(ctx, p)
}

// rewinder returns how to read a body again from where it stands. The bodies of
// downloads cannot.
func rewinder(body io.Reader) func() bool {
	seeker, ok := body.(io.Seeker)
	if !ok {
		return func() bool { return false }
	}
	start, err := seeker.Seek(0, io.SeekCurrent)
	return func() bool {
		if err != nil {
			return false
		}
		_, err := seeker.Seek(start, io.SeekStart)
		return err == nil
	}
}

// errOtherImage says that what is stored under a name belongs to another job, and
// the body has gone too far to replace it.
var errOtherImage = errors.New("another image has this name; it is replaced with the next try")

// imagePut is one image on its way.
type imagePut struct {
	bucket *S3
	key    string
	meta   image.Metadata
	guard  *image.Guard
	note   note
	known  Findings
}

// first is the condition of the first try: the name is free, or has what it is known to have.
func (p *imagePut) first() condition {
	return p.next(found{etag: p.note.etag}, p.note.etag != "")
}

// stream sends the image while it arrives.
func (p *imagePut) stream(ctx context.Context, length int64) (job.Image, error) {
	body := &untouched{body: cut{ctx, p.guard}}
	when := p.first()
	for try := 0; ; try++ {
		returned, err := p.sendStream(ctx, body, length, when)
		again := !body.touched && ctx.Err() == nil && try < replaceTries
		switch {
		case err == nil:
			stored := describe(p.key, p.meta, p.guard)
			return stored, p.confirm(ctx, stored, returned)
		case hasFailedCondition(err) || !wasAnswered(err):
			// Servers that refuse early often reset the connection while the body is on its
			// way; and an answer that says that all is well can be lost.
			stored, next, err := p.resolve(ctx, body.touched, err)
			if err != nil || stored.Key != "" {
				return stored, err
			}
			if !again {
				return job.Image{}, p.conflict(next)
			}
			when = next
		case again && hasStatus(err, http.StatusConflict):
			// Somebody puts it at the same moment; how that ends is seen at the next try.
		default:
			p.bucket.notes.put(p.key, note{etag: p.note.etag, buffer: true})
			return job.Image{}, p.failed(ctx, err)
		}
	}
}

// failed explains why an image was not sent: the body's own trouble comes first.
func (p *imagePut) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if trouble := p.guard.Trouble(); trouble != nil {
		return fmt.Errorf("read the body: %w", trouble)
	}
	return p.bucket.fault(ctx, err)
}

func (p *imagePut) sendStream(ctx context.Context, body io.Reader, length int64, when condition) (returned string, err error) {
	width, height, _ := p.guard.Geometry()
	output, err := p.bucket.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &p.bucket.bucket, Key: p.bucket.full(p.key), Body: body, ContentLength: &length,
		ContentType: aws.String(p.guard.Info().Format.ContentType()), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
		Metadata: encodeMetadata(image.Sidecar{Metadata: p.meta, Image: job.Image{
			Bytes: length, Format: string(p.guard.Info().Format), Width: width, Height: height,
		}}),
		IfNoneMatch: when.ifNoneMatch(), IfMatch: when.ifMatch(),
	}, once, p.bucket.asking(when))
	if err != nil {
		return "", err
	}
	return aws.ToString(output.ChecksumCRC32), nil
}

// resolve decides what to do when a put failed that may have been done already, or
// was refused for what is there. It returns the image where that is the same, else
// the condition of the next try, or the error where the put just failed.
func (p *imagePut) resolve(ctx context.Context, touched bool, cause error) (job.Image, condition, error) {
	there, err := p.bucket.look(ctx, p.key)
	absent := errors.Is(err, errAbsent)
	if !hasFailedCondition(cause) && (err != nil || p.guard.Trouble() != nil) {
		p.bucket.notes.put(p.key, note{etag: p.note.etag, buffer: true})
		return job.Image{}, condition{}, p.failed(ctx, cause)
	}
	if err != nil && !absent {
		return job.Image{}, condition{}, err
	}
	if touched && there.ours && there.sidecar.Metadata.SameImage(p.meta) {
		// The rest of the body tells whether it is the same image.
		if _, err := io.Copy(io.Discard, cut{ctx, p.guard}); err != nil {
			return job.Image{}, condition{}, p.failed(ctx, err)
		}
		if there.sidecar.Image.CRC32 == fmt.Sprintf("%08x", p.guard.Info().CRC32) {
			return there.sidecar.Image, condition{}, nil
		}
	}
	next := p.next(there, !absent)
	if touched {
		return job.Image{}, condition{}, p.conflict(next)
	}
	return job.Image{}, next, nil
}

// conflict is for a body that cannot be sent again: the next one will replace what
// is there.
func (p *imagePut) conflict(next condition) error {
	p.bucket.notes.put(p.key, note{etag: next.etag, buffer: true})
	return p.bucket.place.waiting(errOtherImage, time.Second, "another image has this name")
}

// confirm makes sure of the checksum that is stored.
func (p *imagePut) confirm(ctx context.Context, sent job.Image, returned string) error {
	stored := crcSidecar(returned)
	if stored == "" {
		there, err := p.bucket.look(ctx, p.key)
		if err != nil {
			return err
		}
		stored = there.sidecar.Image.CRC32
	}
	if stored != sent.CRC32 {
		return p.bucket.fault(ctx, &otherBytesError{fmt.Sprintf("bytes with the checksum %q, sent were those with %s", stored, sent.CRC32)})
	}
	return nil
}

// untouched notes whether anything was read.
type untouched struct {
	body    io.Reader
	touched bool
}

func (u *untouched) Read(p []byte) (int, error) {
	u.touched = true
	return u.body.Read(p)
}

// cut ends a body with its context.
type cut struct {
	ctx  context.Context
	body io.Reader
}

func (c cut) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.body.Read(p)
}
