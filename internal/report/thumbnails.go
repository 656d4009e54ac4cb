package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"io"
	"io/fs"
	"strconv"
	"time"

	"golang.org/x/sync/semaphore"

	"nightshift/internal/batch"
	"nightshift/internal/job"
)

const (
	// maxPixels is what one image may have: 8192 x 8192, more than any known
	// model makes. A decoded pixel takes four to eight bytes.
	maxPixels = 64 << 20
	// pixelsAtOnce bounds the memory of all images being decoded, about 200 MB;
	// a larger one is decoded alone.
	pixelsAtOnce = 24 << 20
	// decodedAtOnce is how many images are decoded at the same time at most.
	decodedAtOnce = 2
	// decodeTime is what one image may take; a hostile one could take hours.
	decodeTime = 30 * time.Second
)

var (
	errTooManyPixels = fmt.Errorf("more than %d million pixels", maxPixels/1_000_000)
	errOtherBytes    = errors.New("its bytes are not those that were recorded")
	errUnsupported   = errors.New("its kind of image is not decoded here")
	errTooSlow       = fmt.Errorf("it was not decoded within %s", decodeTime)
	errNoChecksum    = errors.New("its CRC32 is not eight hex digits")
)

// Thumbnails makes small versions of stored images. It is safe for use by many
// goroutines: those beyond what memory and processors allow wait for their turn.
type Thumbnails struct {
	bucket batch.Bucket
	pixels *semaphore.Weighted
	least  int64 // weight of the smallest image: bounds how many are decoded at once
}

// NewThumbnails returns a maker of thumbnails for images in the bucket.
func NewThumbnails(b batch.Bucket) *Thumbnails {
	return &Thumbnails{
		bucket: b,
		pixels: semaphore.NewWeighted(pixelsAtOnce),
		least:  pixelsAtOnce / decodedAtOnce,
	}
}

// Make writes the thumbnail of an image of this batch: a JPEG whose longer side
// has at most 320 pixels, with transparent parts on a chequered ground. It does
// nothing where that thumbnail is there already, or the image needs none. A thumbnail is named by the
// checksum and size of its image, so an image that was replaced gets a new one.
//
// It returns an error, and writes nothing, if the image is missing, is too large
// to be decoded, is broken, or is not the one that was recorded.
func (t *Thumbnails) Make(ctx context.Context, batch string, image job.Image) error {
	if needsNone(image) {
		return nil
	}
	return t.makeOne(ctx, batch, image)
}

func (t *Thumbnails) makeOne(ctx context.Context, batch string, image job.Image) error {
	name, err := thumbName(image)
	if err == nil {
		err = t.make(ctx, objectKey(batch, image.Key), objectKey(batch, name), image.CRC32)
	}
	if err != nil {
		return fmt.Errorf("make thumbnail of %q: %w", objectKey(batch, image.Key), err)
	}
	return nil
}

// Inspect makes the thumbnail of an image that was just stored, as [Thumbnails.Make] does,
// and says what is wrong with its pixels; "" if they decode, or if that cannot be told here. An
// error is one of the bucket.
func (t *Thumbnails) Inspect(ctx context.Context, batch string, image job.Image) (flaw string, err error) {
	if needsNone(image) {
		err = t.inspectOnly(ctx, batch, image)
	} else {
		err = t.makeOne(ctx, batch, image)
	}
	wrong, flawed := errors.AsType[*flawError](err)
	switch {
	case flawed:
		return "its pixels do not decode: " + wrong.Err.Error(), nil
	case errors.Is(err, errTooManyPixels) || errors.Is(err, errTooSlow) || errors.Is(err, errUnsupported):
		return "", nil
	default:
		return "", err
	}
}

// inspectOnly decodes an image of which no thumbnail is kept.
func (t *Thumbnails) inspectOnly(ctx context.Context, batch string, image job.Image) error {
	body, err := t.bucket.Open(ctx, objectKey(batch, image.Key))
	if err != nil {
		return err
	}
	defer body.Close()
	_, release, err := t.decode(ctx, body, image.CRC32)
	release()
	return err
}

// flawError says that the pixels of an image do not decode.
type flawError struct {
	what string // was tried
	Err  error
}

func (e *flawError) Error() string { return e.what + ": " + e.Err.Error() }
func (e *flawError) Unwrap() error { return e.Err }

// smallBytes is what an image may have to be shown as it is; a thumbnail has about as
// much.
const smallBytes = 64 << 10

// needsNone reports whether an image is so small that the contact sheet shows it itself.
func needsNone(image job.Image) bool {
	return image.Bytes <= smallBytes && 0 < min(image.Width, image.Height) && max(image.Width, image.Height) <= thumbSide
}

func (t *Thumbnails) make(ctx context.Context, from, to, checksum string) error {
	if there, err := t.exists(ctx, to); there || err != nil {
		return err
	}
	body, err := t.bucket.Open(ctx, from)
	if err != nil {
		return err
	}
	defer body.Close()
	small, err := t.shrink(ctx, body, checksum)
	if err != nil {
		return err
	}
	return t.bucket.Put(ctx, to, bytes.NewReader(small))
}

func (t *Thumbnails) exists(ctx context.Context, key string) (bool, error) {
	body, err := t.bucket.Open(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, body.Close()
}

// shrink reads an image to its end and returns its thumbnail.
func (t *Thumbnails) shrink(ctx context.Context, body io.Reader, checksum string) ([]byte, error) {
	full, release, err := t.decode(ctx, body, checksum)
	defer release()
	if err != nil {
		return nil, err
	}
	return encodeThumbnail(full)
}

// decode reads an image to its end. Its pixels count as memory until release is called,
// which is to be done after an error too.
func (t *Thumbnails) decode(ctx context.Context, body io.Reader, checksum string) (full image.Image, release func(), err error) {
	release = func() {}
	read := &bodyReader{ctx: ctx, body: body, sum: crc32.NewIEEE()}
	// The size stands in the head, which is read once to decide and again to decode.
	var head bytes.Buffer
	config, err := decodeConfig(io.TeeReader(read, &head))
	if err != nil {
		return nil, release, read.blame("read its size", err, head.Bytes())
	}
	pixels := int64(config.Width) * int64(config.Height)
	if pixels > maxPixels {
		return nil, release, fmt.Errorf("%d x %d: %w", config.Width, config.Height, errTooManyPixels)
	}
	weight := min(max(pixels, t.least), pixelsAtOnce)
	if err := t.pixels.Acquire(ctx, weight); err != nil {
		return nil, release, err
	}
	release = func() { t.pixels.Release(weight) }
	read.until = time.Now().Add(decodeTime)
	full, err = decodeImage(io.MultiReader(bytes.NewReader(head.Bytes()), read))
	if err != nil {
		return nil, release, read.blame("decode it", err, head.Bytes())
	}
	if _, err := io.Copy(io.Discard, read); err != nil {
		return nil, release, fmt.Errorf("read it to its end: %w", err)
	}
	if fmt.Sprintf("%08x", read.sum.Sum32()) != checksum {
		return nil, release, errOtherBytes
	}
	return full, release, nil
}

// thumbName is the thumbnail's name within the batch's folder. Checksum and size
// together name the bytes, so equal images share one thumbnail.
func thumbName(image job.Image) (string, error) {
	if _, err := strconv.ParseUint(image.CRC32, 16, 32); err != nil || len(image.CRC32) != 8 {
		return "", fmt.Errorf("%w: %q", errNoChecksum, image.CRC32)
	}
	return fmt.Sprintf("%s/%s/%s-%d.jpg", thumbFolder, image.CRC32[:2], image.CRC32, image.Bytes), nil
}
