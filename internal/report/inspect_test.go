package report_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/batch/batchtest"
	"nightshift/internal/report"
)

// What is wrong with pixels is a flaw; what only this decoder does not know, or would
// take too much, is none; trouble of the bucket is an error.
func TestInspect(t *testing.T) {
	t.Parallel()
	whole, small := encodePNG(t, painting(3, 400, 300, false)), encodePNG(t, painting(4, 20, 20, false))
	photo := encodeJPEG(t, painting(5, 400, 300, false))
	cases := map[string]struct {
		data   []byte
		size   image.Point
		flawed bool
		thumbs int64
	}{
		"whole":                 {whole, image.Pt(400, 300), false, 1},
		"small":                 {small, image.Pt(20, 20), false, 0},
		"photo":                 {photo, image.Pt(400, 300), false, 1},
		"flipped bit":           {flipped(whole, len(whole)/2), image.Pt(400, 300), true, 0},
		"flipped bit, small":    {flipped(small, len(small)/2), image.Pt(20, 20), true, 0},
		"no image":              {[]byte("<html>"), image.Pt(400, 300), true, 0},
		"too many pixels":       {hugeHead(t), image.Pt(30000, 30000), false, 0},
		"unknown to us":         {twelveBits(t, photo), image.Pt(400, 300), false, 0},
		"animated, unknown too": {animatedWebP(), image.Pt(400, 300), false, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bucket := batchtest.NewFolder(t)
			stored := putImage(t, bucket, "night", "a.png", "png", c.data, c.size)
			flaw, err := report.NewThumbnails(bucket).Inspect(t.Context(), "night", stored)
			if err != nil || (flaw != "") != c.flawed || c.flawed && !strings.HasPrefix(flaw, "its pixels do not decode: ") {
				t.Errorf("flaw %q, %v; want one: %t", flaw, err, c.flawed)
			}
			if made := bucket.Puts.Load(); made != c.thumbs {
				t.Errorf("%d thumbnails were made, want %d", made, c.thumbs)
			}
		})
	}
}

func flipped(data []byte, at int) []byte {
	damaged := bytes.Clone(data)
	damaged[at] ^= 0x40
	return damaged
}

// twelveBits is a JPEG of more bits than the decoder knows.
func twelveBits(t *testing.T, photo []byte) []byte {
	t.Helper()
	at := bytes.Index(photo, []byte{0xff, 0xc0, 0, 17, 8})
	if at < 0 {
		t.Fatal("the JPEG has no header of a frame")
	}
	damaged := bytes.Clone(photo)
	damaged[at+4] = 12
	return damaged
}

// animatedWebP has the head of a WebP that moves.
func animatedWebP() []byte {
	return []byte("RIFF\x1e\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\x8f\x01\x00\x2b\x01\x00ANIM\x00\x00\x00\x00")
}

// brokenBucket breaks off while an image is read.
type brokenBucket struct {
	batch.Bucket
	err error
}

func (b brokenBucket) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	body, err := b.Bucket.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(body, 100), failing{b.err}), body}, nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestInspectWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	stored := putPNG(t, bucket, "night", "a.png", painting(3, 400, 300, false))
	broken := errors.New("the bucket is away")
	if flaw, err := report.NewThumbnails(brokenBucket{bucket, broken}).Inspect(t.Context(), "night", stored); flaw != "" || !errors.Is(err, broken) {
		t.Errorf("flaw %q, %v; want the bucket's error", flaw, err)
	}
	stored.CRC32 = "00000000" // it was replaced meanwhile
	if flaw, err := report.NewThumbnails(bucket).Inspect(t.Context(), "night", stored); flaw != "" || err == nil {
		t.Errorf("another image: flaw %q, %v; want an error", flaw, err)
	}
}

// slowBucket counts how many images are read at the same time.
type slowBucket struct {
	batch.Bucket
	open, most atomic.Int32
}

func (b *slowBucket) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	body, err := b.Bucket.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(body, 33), b, body), body}, nil // behind the head of a PNG
}

// Read is where decoding has begun.
func (b *slowBucket) Read([]byte) (int, error) {
	open := b.open.Add(1)
	defer b.open.Add(-1)
	for most := b.most.Load(); open > most && !b.most.CompareAndSwap(most, open); most = b.most.Load() {
	}
	<-time.After(20 * time.Millisecond)
	return 0, io.EOF
}

// However many are stored at the same time, two are decoded.
func TestInspectBoundsMemory(t *testing.T) {
	t.Parallel()
	folder := batchtest.NewFolder(t)
	bucket := &slowBucket{Bucket: folder}
	thumbs := report.NewThumbnails(bucket)
	stored := putPNG(t, folder, "night", "a.png", painting(4, 20, 20, false))
	results := make(chan error)
	for range 8 {
		go func() {
			_, err := thumbs.Inspect(t.Context(), "night", stored)
			results <- err
		}()
	}
	for range 8 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if most := bucket.most.Load(); most != 2 {
		t.Errorf("%d images were decoded at the same time, want 2", most)
	}
}
