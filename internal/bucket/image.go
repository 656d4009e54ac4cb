package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"

	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
)

// PutImage checks an image while it is written and stores it with its metadata,
// replacing what was there. The object appears whole and verified, or not at all.
// After an error nothing of it is left, but for one case: where the folder's names
// could not be made durable, the whole image is there and its name may be lost with
// the power. Key of the returned image is within the batch's folder.
//
// A body that is not a whole image is a [job.BadImageError]; errors of the body
// itself come back wrapped. ctx is looked at between reads, so a body that blocks
// must have its own way to end.
func (b *Local) PutImage(ctx context.Context, p image.Put) (job.Image, error) {
	stored, err := b.putImage(ctx, p)
	if err != nil {
		return job.Image{}, fmt.Errorf("store image %q: %w", p.Name, err)
	}
	return stored, nil
}

func (b *Local) putImage(ctx context.Context, p image.Put) (job.Image, error) {
	if ctx.Err() != nil {
		return job.Image{}, context.Cause(ctx)
	}
	key, guard, err := begin(p)
	if err != nil {
		return job.Image{}, err
	}
	object, err := b.stage(key)
	if err != nil {
		return job.Image{}, err
	}
	defer object.discard()
	if err := object.fill(ctx, guard); err != nil {
		return job.Image{}, err
	}
	stored := describe(key, p.Metadata, guard)
	return stored, b.publishImage(ctx, object, image.Sidecar{Metadata: p.Metadata, Image: stored})
}

// begin checks the name of an image and reads as much of the body as tells its
// format, and with it the key.
func begin(p image.Put) (key string, guard *image.Guard, err error) {
	if _, err := imageKeys(p.Name); err != nil {
		return "", nil, err
	}
	guard = p.Guard()
	format, err := guard.Sniff()
	if err != nil {
		return "", nil, fmt.Errorf("read the body: %w", err)
	}
	return image.Fill(p.Name, format), guard, nil
}

// describe is the image of a key that was read to its end.
func describe(key string, m image.Metadata, guard *image.Guard) job.Image {
	_, within := splitBatch(key)
	return image.Describe(within, m, guard.Info())
}

// publishImage lets the sidecar appear, then the image. Where a crash comes between
// them, the sidecar does not fit what is there and nobody believes it.
func (b *Local) publishImage(ctx context.Context, object *staged, r image.Sidecar) error {
	defer b.keys.lock(object.key)()
	at := sidecarKey(object.key)
	before, err := b.readSmall(ctx, at)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the sidecar before: %w", err)
	}
	side, err := b.stage(at)
	if err != nil {
		return err
	}
	defer side.discard()
	if err := side.fill(ctx, bytes.NewReader(r.Encode())); err != nil {
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
func (b *Local) Existing(ctx context.Context, name string, meta image.Metadata) (job.Image, bool, error) {
	keys, err := imageKeys(name)
	if err != nil {
		return job.Image{}, false, fmt.Errorf("look for image %q: %w", name, err)
	}
	for _, key := range keys {
		stored, found, err := b.existing(ctx, key, meta)
		if err != nil {
			return job.Image{}, false, fmt.Errorf("look for image %q: %w", name, err)
		}
		if found {
			return stored, true, nil
		}
	}
	return job.Image{}, false, nil
}

func (b *Local) existing(ctx context.Context, key string, meta image.Metadata) (job.Image, bool, error) {
	r, found, err := b.readSidecar(ctx, key)
	if err != nil || !found || !r.Metadata.SameImage(meta) {
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

// checksum reads to the end and returns the CRC32 as sidecars hold it.
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
