package bucket

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Delete removes an object, and what was appended to it. One that is not there is
// no error.
func (b *S3) Delete(ctx context.Context, objectKey string) error {
	if err := b.delete(ctx, objectKey); err != nil {
		return fmt.Errorf("delete object %q: %w", objectKey, err)
	}
	return nil
}

func (b *S3) delete(ctx context.Context, key string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := checkKey(key); err != nil {
		return err
	}
	shards, err := b.shards(ctx, key)
	if err != nil {
		return err
	}
	if err := b.deleteOne(ctx, key); err != nil {
		return err
	}
	return b.deleteShards(ctx, key, shards)
}

func (b *S3) deleteOne(ctx context.Context, key string) error {
	_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.bucket, Key: b.full(key)})
	if err == nil || isAbsent(err) {
		return nil
	}
	return b.fault(ctx, err)
}
