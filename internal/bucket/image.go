package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strings"

	"nightshift/internal/job"
)

// Put is an image to store.
type Put struct {
	// Name is the object key, the batch's folder first: "icons/potion.{ext}", or
	// "test/icons/potion.{ext}" for a batch of test mode. "{ext}" in it becomes
	// the extension of the format that the bytes have: png, jpg or webp.
	Name     string
	Body     io.Reader
	Length   int64 // bytes as declared; -1 where not known
	Metadata Metadata
	Limits   Limits
}

// PutImage checks an image while it is written and stores it with its metadata,
// replacing what was there. The object appears whole and verified, or not at all.
// After an error nothing of it is left, but for one case: where the folder's names
// could not be made durable, the whole image is there and its name may be lost with
// the power. Key of the returned image is within the batch's folder.
//
// A body that is not a whole image is a [job.BadImageError]; errors of the body
// itself come back wrapped. ctx is looked at between reads, so a body that blocks
// must have its own way to end.
func (b *Local) PutImage(ctx context.Context, p Put) (job.Image, error) {
	image, err := b.putImage(ctx, p)
	if err != nil {
		return job.Image{}, fmt.Errorf("store image %q: %w", p.Name, err)
	}
	return image, nil
}

func (b *Local) putImage(ctx context.Context, p Put) (job.Image, error) {
	if ctx.Err() != nil {
		return job.Image{}, context.Cause(ctx)
	}
	if err := checkImageKey(fillExtension(p.Name, WebP)); err != nil {
		return job.Image{}, err
	}
	guard := NewGuard(p.Body, p.Length, p.Limits)
	format, err := guard.Sniff()
	if err != nil {
		return job.Image{}, fmt.Errorf("read the body: %w", err)
	}
	key := fillExtension(p.Name, format)
	object, err := b.stage(key)
	if err != nil {
		return job.Image{}, err
	}
	defer object.discard()
	if err := object.fill(ctx, guard); err != nil {
		return job.Image{}, err
	}
	image := describeImage(key, p.Metadata.Asset, guard.Info())
	return image, b.publishImage(ctx, object, record{Metadata: p.Metadata, Image: image})
}

func describeImage(key, asset string, info Info) job.Image {
	_, within := splitBatch(key)
	return job.Image{
		Key:     within,
		Asset:   asset,
		Bytes:   info.Bytes,
		Format:  string(info.Format),
		Width:   info.Width,
		Height:  info.Height,
		CRC32:   fmt.Sprintf("%08x", info.CRC32),
		Warning: nameWarning(key, info.Format),
	}
}

// publishImage lets the record appear, then the image. Where a crash comes between
// them, the record does not fit what is there and nobody believes it.
func (b *Local) publishImage(ctx context.Context, object *staged, r record) error {
	defer b.keys.lock(object.key)()
	at := recordKey(object.key)
	before, err := b.readSmall(ctx, at)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the record before: %w", err)
	}
	side, err := b.stage(at)
	if err != nil {
		return err
	}
	defer side.discard()
	if err := side.fill(ctx, bytes.NewReader(r.encode())); err != nil {
		return err
	}
	if err := side.publish(); err != nil {
		return err
	}
	err = object.publish()
	if err != nil && !object.done {
		return errors.Join(err, side.takeBack(ctx, before))
	}
	return err
}

// Existing looks whether the image of this job, asset and index is stored under
// the name, complete and unchanged, so that it need not be fetched again. It reads
// the object to compare its checksum. "{ext}" in the name stands for any format.
func (b *Local) Existing(ctx context.Context, name string, meta Metadata) (job.Image, bool, error) {
	keys := []string{name}
	if strings.Contains(name, extensionMark) {
		keys = []string{fillExtension(name, PNG), fillExtension(name, JPEG), fillExtension(name, WebP)}
	}
	for _, key := range keys {
		image, found, err := b.existing(ctx, key, meta)
		if err != nil {
			return job.Image{}, false, fmt.Errorf("look for image %q: %w", name, err)
		}
		if found {
			return image, true, nil
		}
	}
	return job.Image{}, false, nil
}

func (b *Local) existing(ctx context.Context, key string, meta Metadata) (job.Image, bool, error) {
	if err := checkImageKey(key); err != nil {
		return job.Image{}, false, err
	}
	r, found, err := b.readRecord(ctx, key)
	if err != nil || !found || !r.Metadata.sameImage(meta) {
		return job.Image{}, false, err
	}
	file, info, err := b.open(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return job.Image{}, false, nil
	}
	if err != nil {
		return job.Image{}, false, err
	}
	defer file.Close()
	if info.Size() != r.Image.Bytes {
		return job.Image{}, false, nil
	}
	sum, err := checksum(ctx, file)
	if err != nil || sum != r.Image.CRC32 {
		return job.Image{}, false, err
	}
	return r.Image, true, nil
}

// checksum reads to the end and returns the CRC32 as records hold it.
func checksum(ctx context.Context, body io.Reader) (string, error) {
	buffer := copyBuffers.Get().(*[128 << 10]byte)
	defer copyBuffers.Put(buffer)
	var sum uint32
	for {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		n, err := body.Read(buffer[:])
		sum = crc32.Update(sum, crc32.IEEETable, buffer[:n])
		if errors.Is(err, io.EOF) {
			return fmt.Sprintf("%08x", sum), nil
		}
		if err != nil {
			return "", err
		}
	}
}
