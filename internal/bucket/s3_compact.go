package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// compactTries bounds how often folding is started again because somebody else changed
// the object meanwhile.
const compactTries = 5

// Compact folds what was appended to an object into its base, so that reading it
// takes few requests. Others may append and read meanwhile, and it may be killed at
// any moment: no line is lost, at worst some are there twice. It needs the memory of
// one part, whatever the size.
//
// Where the server knows If-Match (see [Findings]), any number of processes may
// compact or put at the same time: all but one start again. Where it does not, one
// process at a time may, or lines that were appended meanwhile can be lost.
func (b *S3) Compact(ctx context.Context, objectKey string) error {
	if err := b.compact(ctx, objectKey); err != nil {
		return fmt.Errorf("compact object %q: %w", objectKey, err)
	}
	return nil
}

func (b *S3) compact(ctx context.Context, key string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := checkKey(key); err != nil {
		return err
	}
	known, err := b.probed(ctx)
	if err != nil {
		return err
	}
	for range compactTries {
		err := b.fold(ctx, key, known.IfNoneMatch && known.IfMatch)
		if !errors.Is(err, errMoved) {
			return err
		}
	}
	return b.place.waiting(errors.New("others change it all the time"), busyRetry, "others change "+key)
}

// fold stores the base with all shards behind it, and then deletes those. A death
// in between leaves lines in both.
func (b *S3) fold(ctx context.Context, key string, conditional bool) error {
	shards, err := b.shards(ctx, key)
	if err != nil || len(shards) == 0 {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	whole := &logReader{bucket: b, ctx: ctx, cancel: cancel, key: key, left: shards, strict: true}
	defer whole.Close()
	when := condition{absent: true}
	base, err := b.get(ctx, key)
	switch {
	case err == nil:
		whole.now = base
		when = condition{etag: base.etag}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if !conditional {
		when = condition{}
	}
	if err := b.putStream(ctx, key, whole, when); err != nil {
		if errors.Is(err, fs.ErrNotExist) && when.etag != "" {
			return errMoved // some servers say so of If-Match where nothing is
		}
		return err
	}
	return b.deleteShards(ctx, key, shards)
}
