package bucket

import (
	"context"
	"errors"
	"fmt"

	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
)

// replaceTries bounds how often an image is looked at and replaced again when
// others do the same at the same time.
const replaceTries = 10

// buffered takes the whole image into memory, verified, and then sends it.
func (p *imagePut) buffered(ctx context.Context, put image.Put) (job.Image, error) {
	expected := put.Length
	if expected < 0 {
		expected = partBytes
	}
	release, err := p.bucket.budget.reserve(ctx, expected)
	if err != nil {
		return job.Image{}, err
	}
	defer release()
	var whole buffer
	defer whole.release()
	// The byte more lets the guard come to its end.
	ended, err := whole.fill(ctx, p.guard, expected+1)
	if err != nil {
		return job.Image{}, err
	}
	if !ended {
		letGo, err := p.bucket.budget.exceed(ctx)
		if err != nil {
			return job.Image{}, err
		}
		defer letGo()
		// The guard ends what is too large.
		if _, err := whole.fill(ctx, p.guard, p.guard.MaxBytes()+1); err != nil {
			return job.Image{}, err
		}
	}
	return p.sendBuffer(ctx, &whole)
}

// sendBuffer sends a verified image, and replaces another one.
func (p *imagePut) sendBuffer(ctx context.Context, whole *buffer) (job.Image, error) {
	stored := describe(p.key, p.meta, p.guard)
	u := upload{
		key: p.key, body: whole.reader(), contentType: p.guard.Info().Format.ContentType(),
		metadata: encodeMetadata(image.Sidecar{Metadata: p.meta, Image: stored}), condition: p.first(),
	}
	for range replaceTries {
		err := p.bucket.send(ctx, u)
		if err == nil {
			return stored, nil
		}
		moved := hasFailedCondition(err) || (u.condition.etag != "" && isAbsent(err))
		if !moved && wasAnswered(err) {
			return job.Image{}, p.bucket.fault(ctx, err)
		}
		there, lookErr := p.bucket.look(ctx, p.key)
		switch {
		case lookErr == nil && (moved || there.etag != u.condition.etag):
			// Refused for it, or refused so early that only a broken connection shows.
		case moved && errors.Is(lookErr, errAbsent):
		case moved:
			return job.Image{}, lookErr
		default:
			return job.Image{}, p.bucket.fault(ctx, err)
		}
		if there.ours && there.sidecar.Metadata.SameImage(p.meta) && there.sidecar.Image.CRC32 == stored.CRC32 {
			return there.sidecar.Image, nil
		}
		u.condition = p.next(there, lookErr == nil)
		u.body = whole.reader()
	}
	return job.Image{}, p.bucket.place.waiting(
		fmt.Errorf("others replaced it %d times meanwhile", replaceTries), busyRetry, "others write the same image")
}

// next is the condition for replacing what is there, none where the server knows
// none.
func (p *imagePut) next(there found, exists bool) condition {
	switch {
	case !exists && p.known.IfNoneMatch:
		return condition{absent: true}
	case exists && p.known.IfMatch:
		return condition{etag: there.etag}
	}
	return condition{}
}
