package bucket

import (
	"bytes"
	"context"
	"fmt"
)

// Append adds whole lines to an object whose name ends with .jsonl, making it if
// need be; see [Local.Append]. They are durable when it returns. Any number of
// processes may append to one object at the same time.
//
// S3 cannot append. So each call stores an object of its own, which [S3.Open] reads
// behind the others and [S3.Compact] folds together. Lines of one process keep their
// order; those of several are ordered by their clocks, to the millisecond.
func (b *S3) Append(ctx context.Context, objectKey string, data []byte) error {
	if err := b.append(ctx, objectKey, data); err != nil {
		return fmt.Errorf("append to object %q: %w", objectKey, err)
	}
	return nil
}

func (b *S3) append(ctx context.Context, key string, data []byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := checkLines(key, data); err != nil {
		return err
	}
	err := b.send(ctx, upload{
		key: shardFolder(key) + b.names.next(), body: bytes.NewReader(data), contentType: contentType(key),
	})
	return b.fault(ctx, err)
}
