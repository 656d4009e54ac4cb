package nights

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"nightshift/internal/bucket"
	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
)

// lifeBucket is a bucket on the lifeline of a worker and in the weather of the night.
type lifeBucket struct {
	bucket.Objects
	l *lifeline
}

var errBucket = errors.New("503 SlowDown: please reduce your request rate")

// weather is how the bucket is at the moment: of all calls it may fail a share before they
// are carried out and a share afterwards, and take time.
type weather struct {
	mu            sync.Mutex
	random        *rand.Rand
	before, after float64
	delay         time.Duration
	failed        int
}

func (w *weather) set(before, after float64, delay time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before, w.after, w.delay = before, after, delay
}

// strikes reports whether a call fails, before or after it is carried out.
func (w *weather) strikes(after bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	share := w.before
	if after {
		share = w.after
	}
	if w.random == nil || share == 0 || w.random.Float64() >= share {
		return false
	}
	w.failed++
	return true
}

func (w *weather) wait(ctx context.Context) error {
	w.mu.Lock()
	delay := w.delay
	w.mu.Unlock()
	if delay == 0 {
		return nil
	}
	return travel(ctx, delay)
}

// call carries out one call.
func (b *lifeBucket) call(ctx context.Context, do func() error) error {
	w := &b.l.place.weather
	b.l.pass()
	if err := errors.Join(b.l.step(), w.wait(ctx)); err != nil {
		return err
	}
	if w.strikes(false) {
		return errBucket
	}
	err := do()
	if dead := b.l.step(); dead != nil {
		return dead
	}
	if err == nil && w.strikes(true) {
		return errBucket
	}
	return err
}

func (b *lifeBucket) PutImage(ctx context.Context, p image.Put) (stored job.Image, err error) {
	err = b.call(ctx, func() (err error) {
		if stored, err = b.Objects.PutImage(ctx, p); err != nil {
			return err
		}
		return b.l.place.published.look(b.l.place.folder, p, stored)
	})
	return stored, err
}

func (b *lifeBucket) Existing(ctx context.Context, name string, meta image.Metadata) (stored job.Image, found bool, err error) {
	err = b.call(ctx, func() (err error) {
		stored, found, err = b.Objects.Existing(ctx, name, meta)
		return err
	})
	return stored, found, err
}

func (b *lifeBucket) Put(ctx context.Context, objectKey string, body io.Reader) error {
	return b.call(ctx, func() error { return b.Objects.Put(ctx, objectKey, body) })
}

func (b *lifeBucket) Open(ctx context.Context, objectKey string) (body io.ReadCloser, err error) {
	err = b.call(ctx, func() (err error) {
		body, err = b.Objects.Open(ctx, objectKey)
		return err
	})
	if err != nil && body != nil {
		return nil, errors.Join(err, body.Close())
	}
	return body, err
}

func (b *lifeBucket) Stat(ctx context.Context, objectKey string) (object bucket.Object, err error) {
	err = b.call(ctx, func() (err error) {
		object, err = b.Objects.Stat(ctx, objectKey)
		return err
	})
	return object, err
}

func (b *lifeBucket) Append(ctx context.Context, objectKey string, data []byte) error {
	return b.call(ctx, func() error { return b.Objects.Append(ctx, objectKey, data) })
}

func (b *lifeBucket) Folders(ctx context.Context, folder string) (folders []string, err error) {
	err = b.call(ctx, func() (err error) {
		folders, err = b.Objects.Folders(ctx, folder)
		return err
	})
	return folders, err
}

func (b *lifeBucket) Sweep(ctx context.Context, folder string) (removed int, err error) {
	err = b.call(ctx, func() (err error) {
		removed, err = b.Objects.Sweep(ctx, folder)
		return err
	})
	return removed, err
}

// Lock is given back even by a worker that is dead: the system does so.
func (b *lifeBucket) Lock(ctx context.Context, objectKey string) (unlock func() error, err error) {
	err = b.call(ctx, func() (err error) {
		unlock, err = b.Objects.Lock(ctx, objectKey)
		return err
	})
	if err != nil && unlock != nil {
		return nil, errors.Join(err, unlock())
	}
	return unlock, err
}

func (b *lifeBucket) Delete(ctx context.Context, objectKey string) error {
	return b.call(ctx, func() error { return b.Objects.Delete(ctx, objectKey) })
}

func (b *lifeBucket) Compact(ctx context.Context, objectKey string) error {
	return b.call(ctx, func() error { return b.Objects.Compact(ctx, objectKey) })
}
