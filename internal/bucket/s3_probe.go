package bucket

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/http/httptrace"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"nightshift/internal/job"
)

// probeFolder holds what is tried out; each probe has a folder of its own in it,
// which is deleted afterwards.
const probeFolder = ownFolder + "/probe"

// probeBytes is more than one block of any framing.
const probeBytes = 70_001

// known is what was found out; before the probe, nothing is relied on.
func (b *S3) known() Findings {
	if found := b.findings.Load(); found != nil {
		return *found
	}
	return Findings{}
}

// probed is known after a probe, which it makes if there was none.
func (b *S3) probed(ctx context.Context) (Findings, error) {
	if found := b.findings.Load(); found != nil {
		return *found, nil
	}
	b.probing.Lock()
	defer b.probing.Unlock()
	if found := b.findings.Load(); found != nil {
		return *found, nil
	}
	return b.probe(ctx)
}

// Probe tries out what the server does, with about twenty small requests, and decides by
// that how images are stored from now on. The error says in plain words what stands
// against using the bucket at all, mostly with a hint.
func (b *S3) Probe(ctx context.Context) (Findings, error) {
	b.probing.Lock()
	defer b.probing.Unlock()
	return b.probe(ctx)
}

func (b *S3) probe(ctx context.Context) (Findings, error) {
	p := &probe{bucket: b, folder: path.Join(probeFolder, strings.ToLower(rand.Text()))}
	err := p.run(ctx)
	if p.usable {
		p.clean(ctx)
	}
	if err != nil {
		return Findings{}, fmt.Errorf("try out %s: %w", b.place.bucket, err)
	}
	b.findings.Store(&p.found)
	b.log.InfoContext(ctx, "storage probed", p.found.attrs()...)
	return p.found, nil
}

// probe is one probe under way.
type probe struct {
	bucket *S3
	folder string
	used   []string
	usable bool // something was stored
	found  Findings
	// trouble passes by itself, and has kept the probe from finding something out.
	trouble error
}

func (p *probe) run(ctx context.Context) error {
	endpoint := p.bucket.client.Options().BaseEndpoint
	address, _ := url.Parse(aws.ToString(endpoint)) // it was looked at when the client was made
	p.found.Encrypted = endpoint == nil || address.Scheme == "https"
	steps := []func(context.Context) error{p.putPlain, p.putShort, p.putChecked, p.putAgain, p.putTrailer, p.lookForShort}
	for _, step := range steps {
		if err := errors.Join(step(ctx), p.trouble); err != nil {
			return err
		}
	}
	p.found.Stream = p.found.Encrypted && p.found.Trailer && p.found.KeepsCRC32
	return nil
}

// put sends an object under a name in the probe's folder; change makes it special.
func (p *probe) put(ctx context.Context, name string, body io.Reader, change func(*s3.PutObjectInput), options ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	key := p.name(name)
	p.used = append(p.used, key)
	input := &s3.PutObjectInput{
		Bucket: &p.bucket.bucket, Key: p.bucket.full(key), Body: body, ContentLength: aws.Int64(probeBytes),
	}
	change(input)
	return p.bucket.client.PutObject(ctx, input, options...)
}

func (p *probe) name(name string) string { return p.folder + "/" + name }

func (p *probe) head(ctx context.Context, name string, mode types.ChecksumMode) (*s3.HeadObjectOutput, error) {
	return p.bucket.client.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: &p.bucket.bucket, Key: p.bucket.full(p.name(name)), ChecksumMode: mode,
	})
}

var probeMetadata = map[string]string{metaPrefix + "row": "p%C3%A9%20%22x%22", metaPrefix + "index": "0"}

// putPlain shows whether the bucket can be used at all, and what comes back.
func (p *probe) putPlain(ctx context.Context) error {
	_, err := p.put(ctx, "plain", bytes.NewReader(probeBody()), func(input *s3.PutObjectInput) {
		input.ContentType, input.Metadata = aws.String("image/png"), probeMetadata
	}, unsignedBody)
	if err != nil {
		return p.bucket.fault(ctx, err)
	}
	p.usable = true
	head, err := p.head(ctx, "plain", "")
	if err != nil {
		if isAbsent(err) {
			return errors.New("an object that was stored is not there")
		}
		return p.bucket.fault(ctx, err)
	}
	if !maps.Equal(head.Metadata, probeMetadata) {
		return &job.HintedError{
			Err:  errors.New("the server does not keep the metadata of objects"),
			Hint: fmt.Sprintf("Nightshift keeps there whose image an object is; use another server than %s, or a setting of it that keeps x-amz-meta-* headers", p.bucket.place.endpoint),
		}
	}
	p.found.ContentType = aws.ToString(head.ContentType) == "image/png"
	list, err := p.bucket.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &p.bucket.bucket, Prefix: p.bucket.full(p.name("plain"))})
	if err != nil {
		return p.bucket.fault(ctx, err)
	}
	if len(list.Contents) != 1 {
		return errors.New("an object that was stored is not in the list of its folder")
	}
	return nil
}

// errShort ends bodies too early, on purpose.
var errShort = errors.New("short on purpose")

// shortBody is half of a body, and then an error.
func shortBody() io.Reader {
	return onlyReader{io.MultiReader(bytes.NewReader(probeBody()[:probeBytes/2]), brokenReader{})}
}

// onlyReader hides all that a body can do but being read.
type onlyReader struct{ io.Reader }

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errShort }

func once(o *s3.Options) { o.Retryer = aws.NopRetryer{} }

// putShort sends bodies that end too early; whether they appear is looked at last.
func (p *probe) putShort(ctx context.Context) error {
	bare := func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
	}
	err := p.steady(ctx, func() error {
		_, err := p.put(ctx, "short", shortBody(), func(*s3.PutObjectInput) {}, once, bare)
		return err
	})
	if err == nil {
		return errors.New("half an object was stored without an error")
	}
	if !p.found.Encrypted {
		return ctx.Err()
	}
	err = p.steady(ctx, func() error {
		_, err := p.put(ctx, "short-trailer", shortBody(), withTrailer, once)
		return err
	})
	if err == nil {
		return errors.New("half an object with a checksum was stored without an error")
	}
	return ctx.Err()
}

func withTrailer(input *s3.PutObjectInput) { input.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32 }

// putChecked sends checksums that are right and wrong.
func (p *probe) putChecked(ctx context.Context) error {
	sent := func(name string, change func(*s3.PutObjectInput)) error {
		return p.steady(ctx, func() error {
			_, err := p.put(ctx, name, bytes.NewReader(probeBody()), change, unsignedBody, once)
			return err
		})
	}
	withSum := func(sum uint32) func(*s3.PutObjectInput) {
		return func(input *s3.PutObjectInput) { input.ChecksumCRC32 = aws.String(crcHeader(sum)) }
	}
	right := crc32.ChecksumIEEE(probeBody())
	p.found.HeaderCRC32 = sent("crc", withSum(right)) == nil && isRefusal(sent("crc-wrong", withSum(right^1)))
	if p.found.HeaderCRC32 {
		return ctx.Err()
	}
	p.found.ContentMD5 = isRefusal(sent("md5-wrong", func(input *s3.PutObjectInput) {
		input.ContentMD5 = aws.String("AAAAAAAAAAAAAAAAAAAAAA==")
	}))
	return ctx.Err()
}

// isRefusal reports whether the server looked at the request and did not take it.
func isRefusal(err error) bool {
	return hasStatus(err, 400) || hasStatus(err, 412) || hasStatus(err, 422)
}

// putAgain tries conditions that do not hold, and one that does.
func (p *probe) putAgain(ctx context.Context) error {
	again := func(change func(*s3.PutObjectInput)) error {
		return p.steady(ctx, func() error {
			_, err := p.put(ctx, "plain", bytes.NewReader(probeBody()), change, unsignedBody, once)
			return err
		})
	}
	err := again(func(input *s3.PutObjectInput) { input.IfNoneMatch = aws.String("*") })
	p.found.IfNoneMatch = hasFailedCondition(err)
	head, err := p.head(ctx, "plain", "")
	if err != nil {
		return p.bucket.fault(ctx, err)
	}
	wrong := again(func(input *s3.PutObjectInput) { input.IfMatch = aws.String(`"00000000000000000000000000000000"`) })
	right := again(func(input *s3.PutObjectInput) { input.IfMatch = head.ETag })
	p.found.IfMatch = hasFailedCondition(wrong) && right == nil
	return ctx.Err()
}

// putTrailer streams a body with its checksum behind it, and reads it back.
func (p *probe) putTrailer(ctx context.Context) error {
	if !p.found.Encrypted {
		return nil // the SDK does not do it on an open connection
	}
	body := probeBody()
	asked := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got100Continue: func() { p.found.Continue = true }})
	err := p.steady(ctx, func() error {
		_, err := p.put(asked, "trailer", onlyReader{bytes.NewReader(body)}, withTrailer, once, askFirst)
		return err
	})
	if err != nil {
		return ctx.Err()
	}
	got, err := p.bucket.get(ctx, p.name("trailer"))
	if err != nil {
		return err
	}
	defer got.Close()
	read, err := io.ReadAll(got)
	if err != nil {
		return err
	}
	p.found.Trailer = bytes.Equal(read, body)
	head, err := p.head(ctx, "trailer", types.ChecksumModeEnabled)
	if fault := p.bucket.fault(ctx, err); Away(fault) {
		return fault
	}
	p.found.KeepsCRC32 = err == nil && aws.ToString(head.ChecksumCRC32) == crcHeader(crc32.ChecksumIEEE(body))
	return ctx.Err()
}

// probeTries is how often a request has to be answered in the same way before trouble
// that may pass is taken for the way of the server.
const probeTries = 5

// steady sends a request until the answer says what the server does with it. An answer
// that says to come back later, or none, says nothing about that: the request is sent
// again if a usual one passes meanwhile, and the probe gives up if not. What only
// this request is answered with, again and again, is the way of the server.
func (p *probe) steady(ctx context.Context, request func() error) error {
	for try := 1; p.trouble == nil; try++ {
		err := request()
		answered := err == nil || errors.Is(err, errShort) || isRefusal(err) || !Away(p.bucket.fault(ctx, err))
		if answered || try == probeTries {
			return err
		}
		if _, usual := p.put(ctx, "usual", bytes.NewReader(probeBody()), func(*s3.PutObjectInput) {}, unsignedBody); usual != nil {
			p.trouble = p.bucket.fault(ctx, usual)
		}
	}
	return p.trouble
}

// lookForShort looks whether what ended early is there.
func (p *probe) lookForShort(ctx context.Context) error {
	for name, note := range map[string]func(){
		"short":         func() { p.found.ShortKept = true },
		"short-trailer": func() { p.found.Trailer = false },
	} {
		_, err := p.head(ctx, name, "")
		if err == nil {
			note()
		} else if !isAbsent(err) {
			return p.bucket.fault(ctx, err)
		}
	}
	return nil
}

// clean deletes what was tried, also after the end of ctx. What stays is small and
// out of sight.
func (p *probe) clean(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	slices.Sort(p.used)
	for _, key := range slices.Compact(p.used) {
		if err := p.bucket.deleteOne(ctx, key); err != nil {
			p.bucket.log.WarnContext(ctx, "cannot delete what was tried out", "object_key", key, "err", err)
			return
		}
	}
}

// probeBody is not the same at any two places that a server may mix up.
func probeBody() []byte {
	body := make([]byte, probeBytes)
	for at := range body {
		body[at] = byte(at*at>>8 ^ at)
	}
	return body
}
