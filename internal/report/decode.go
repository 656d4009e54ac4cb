package report

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"image"
	"image/jpeg" // image formats that providers deliver
	"image/png"
	"io"
	"time"

	_ "golang.org/x/image/webp"
)

// bodyReader reads an object for a decoder: it sums up the bytes, remembers what went
// wrong with reading, which is not the image's fault, and ends a decoder that takes too
// long: none can be interrupted but when it reads.
type bodyReader struct {
	ctx   context.Context
	body  io.Reader
	sum   hash.Hash32
	until time.Time // zero for no end
	err   error     // of reading, io.EOF apart
}

// Read implements [io.Reader].
func (r *bodyReader) Read(p []byte) (int, error) {
	switch {
	case r.err != nil:
	case r.ctx.Err() != nil:
		r.err = context.Cause(r.ctx)
	case !r.until.IsZero() && time.Now().After(r.until):
		r.err = errTooSlow
	}
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.body.Read(p)
	r.sum.Write(p[:n])
	if err != nil && err != io.EOF { // only io.EOF itself is the end
		r.err = err
	}
	return n, err
}

// blame says what was tried and why it failed: reading, the decoder, which does not know
// everything that browsers do, or the image, of which head is the beginning.
func (r *bodyReader) blame(what string, err error, head []byte) error {
	_, ofJPEG := errors.AsType[jpeg.UnsupportedError](err)
	_, ofPNG := errors.AsType[png.UnsupportedError](err)
	switch {
	case r.err != nil:
		return fmt.Errorf("%s: %w", what, r.err)
	case ofJPEG || ofPNG || animated(head):
		return fmt.Errorf("%s: %w: %w", what, errUnsupported, err)
	default:
		return &flawError{what, err}
	}
}

// animated reports whether these are the first bytes of a WebP that moves.
func animated(head []byte) bool {
	const flags, animation = 20, 1 << 1
	return len(head) > flags && string(head[8:16]) == "WEBPVP8X" && head[flags]&animation != 0
}

// decodeConfig reads the size of an image.
func decodeConfig(body io.Reader) (config image.Config, err error) {
	defer recovered(&err)
	config, _, err = image.DecodeConfig(body)
	return config, err
}

// decodeImage reads the pixels of an image.
func decodeImage(body io.Reader) (full image.Image, err error) {
	defer recovered(&err)
	full, _, err = image.Decode(body)
	return full, err
}

// recovered makes an error of a decoder that panics: what it reads came from outside.
func recovered(err *error) {
	if reason := recover(); reason != nil {
		*err = fmt.Errorf("the decoder gave up: %v", reason)
	}
}
