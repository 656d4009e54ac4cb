package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
)

// errAbsent is what looking for an object says that is not there.
var errAbsent = fs.ErrNotExist

// found is what the head of an object tells.
type found struct {
	etag    string
	size    int64
	modTime time.Time
	ours    bool // sidecar is that of an image of ours
	sidecar image.Sidecar
}

// look asks for the head of an object. Where the server keeps checksums, and what
// it keeps is not what the metadata says, the sidecar is not believed.
func (b *S3) look(ctx context.Context, key string) (found, error) {
	input := &s3.HeadObjectInput{Bucket: &b.bucket, Key: b.full(key)}
	if b.known().KeepsCRC32 {
		input.ChecksumMode = types.ChecksumModeEnabled
	}
	output, err := b.client.HeadObject(ctx, input)
	if err != nil {
		return found{}, b.fault(ctx, err)
	}
	f := found{
		etag: aws.ToString(output.ETag), size: aws.ToInt64(output.ContentLength), modTime: aws.ToTime(output.LastModified),
	}
	f.sidecar, f.ours = decodeMetadata(key, f.size, output.Metadata)
	kept, said := crcSidecar(aws.ToString(output.ChecksumCRC32)), f.sidecar.Image.CRC32
	if kept != "" && said != "" && kept != said {
		f.sidecar, f.ours = image.Sidecar{}, false
	} else if said == "" {
		f.sidecar.Image.CRC32 = kept
	}
	return f, nil
}

// Existing looks whether the image of this job, asset and index is stored under
// the name, complete and unchanged; see [Local.Existing]. An object on S3 is there
// whole or not at all, so its size and the stored checksum are all that is compared.
func (b *S3) Existing(ctx context.Context, name string, meta image.Metadata) (job.Image, bool, error) {
	stored, ok, err := b.existing(ctx, name, meta)
	if err != nil {
		return job.Image{}, false, fmt.Errorf("look for image %q: %w", name, err)
	}
	return stored, ok, nil
}

func (b *S3) existing(ctx context.Context, name string, meta image.Metadata) (job.Image, bool, error) {
	if ctx.Err() != nil {
		return job.Image{}, false, context.Cause(ctx)
	}
	keys, err := imageKeys(name)
	if err != nil {
		return job.Image{}, false, err
	}
	if _, err := b.probed(ctx); err != nil {
		return job.Image{}, false, err
	}
	heads := make([]found, len(keys))
	var group errgroup.Group
	for at, key := range keys {
		group.Go(func() (err error) {
			heads[at], err = b.look(ctx, key)
			if errors.Is(err, errAbsent) {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return job.Image{}, false, err
	}
	for at, head := range heads {
		if head.ours && head.sidecar.Image.CRC32 != "" && head.sidecar.Metadata.SameImage(meta) {
			return head.sidecar.Image, true, nil
		}
		if head.etag != "" { // the next put of it need not find out
			b.notes.put(keys[at], note{etag: head.etag})
		}
	}
	return job.Image{}, false, nil
}

// Stat returns what is known of an object without reading it; see [Local.Stat].
// What was appended counts to its size.
func (b *S3) Stat(ctx context.Context, objectKey string) (Object, error) {
	object, err := b.stat(ctx, objectKey)
	if err != nil {
		return Object{}, fmt.Errorf("stat object %q: %w", objectKey, err)
	}
	return object, nil
}

func (b *S3) stat(ctx context.Context, key string) (Object, error) {
	if ctx.Err() != nil {
		return Object{}, context.Cause(ctx)
	}
	if err := checkKey(key); err != nil {
		return Object{}, err
	}
	shards, err := b.shards(ctx, key)
	if err != nil {
		return Object{}, err
	}
	head, err := b.look(ctx, key)
	if err != nil && (!errors.Is(err, errAbsent) || len(shards) == 0) {
		return Object{}, err
	}
	object := Object{Key: key, Size: head.size, ModTime: head.modTime, Metadata: head.sidecar.Metadata}
	if !head.ours {
		object.Metadata = image.Metadata{}
	}
	for _, s := range shards {
		object.Size += s.size
		if s.time.After(object.ModTime) {
			object.ModTime = s.time
		}
	}
	return object, nil
}
