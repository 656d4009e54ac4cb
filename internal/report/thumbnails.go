package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	_ "image/jpeg" // image formats that providers deliver
	_ "image/png"
	"io"
	"io/fs"
	"runtime"
	"strconv"

	_ "golang.org/x/image/webp"
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
)

var (
	errTooManyPixels = fmt.Errorf("more than %d million pixels", maxPixels/1_000_000)
	errOtherBytes    = errors.New("its bytes are not those that were recorded")
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
		least:  pixelsAtOnce / int64(2*runtime.GOMAXPROCS(0)),
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
	name, err := thumbName(image)
	if err == nil {
		err = t.make(ctx, objectKey(batch, image.Key), objectKey(batch, name), image.CRC32)
	}
	if err != nil {
		return fmt.Errorf("make thumbnail of %q: %w", objectKey(batch, image.Key), err)
	}
	return nil
}

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
	sum := crc32.NewIEEE()
	body = io.TeeReader(body, sum)
	// The size stands in the head, which is read once to decide and again to decode.
	var head bytes.Buffer
	config, _, err := image.DecodeConfig(io.TeeReader(body, &head))
	if err != nil {
		return nil, fmt.Errorf("read its size: %w", err)
	}
	pixels := int64(config.Width) * int64(config.Height)
	if pixels > maxPixels {
		return nil, fmt.Errorf("%d x %d: %w", config.Width, config.Height, errTooManyPixels)
	}
	weight := min(max(pixels, t.least), pixelsAtOnce)
	if err := t.pixels.Acquire(ctx, weight); err != nil {
		return nil, err
	}
	defer t.pixels.Release(weight)
	full, _, err := image.Decode(io.MultiReader(&head, body))
	if err != nil {
		return nil, fmt.Errorf("decode it: %w", err)
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return nil, fmt.Errorf("read it to its end: %w", err)
	}
	if fmt.Sprintf("%08x", sum.Sum32()) != checksum {
		return nil, errOtherBytes
	}
	return encodeThumbnail(full)
}

// thumbName is the thumbnail's name within the batch's folder. Checksum and size
// together name the bytes, so equal images share one thumbnail.
func thumbName(image job.Image) (string, error) {
	if _, err := strconv.ParseUint(image.CRC32, 16, 32); err != nil || len(image.CRC32) != 8 {
		return "", fmt.Errorf("%w: %q", errNoChecksum, image.CRC32)
	}
	return fmt.Sprintf("%s/%s/%s-%d.jpg", thumbFolder, image.CRC32[:2], image.CRC32, image.Bytes), nil
}
