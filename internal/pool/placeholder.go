package pool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"sync"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// placeholders are the assets that stand for pictures in dry runs: a price is asked for
// before anything is uploaded or made.
type placeholders struct {
	once  sync.Once
	free  chan struct{}     // holds one, which who looks takes
	byKey map[string]string // asset by API key
}

// lock waits until nobody else looks for a placeholder, which takes requests.
func (p *placeholders) lock(ctx context.Context) (unlock func(), err error) {
	p.once.Do(func() {
		p.free = make(chan struct{}, 1)
		p.free <- struct{}{}
	})
	select {
	case <-p.free:
		return func() { p.free <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// placeholderSize is that of the picture in pixels: many models take none that is smaller.
const placeholderSize = 512

// placeholderAge is how old a placeholder may be that is used again.
const placeholderAge = 24 * time.Hour

// placeholderName is how the asset is called.
const placeholderName = "nightshift-placeholder.png"

// forQuote is a request as a dry run asks for its price: pictures that the provider does not
// have yet are replaced by a placeholder.
func (c *Catalog) forQuote(ctx context.Context, key *Key, r job.Request) (job.Request, error) {
	named := false
	r.Inputs.WithPictures(r.PictureInputs, func(value string) string {
		_, is := job.ParsePicture(value)
		named = named || is
		return value
	})
	if !named {
		return r, nil
	}
	asset, err := c.placeholder(ctx, key)
	if err != nil {
		return r, err
	}
	r.Inputs = r.Inputs.WithPictures(r.PictureInputs, func(value string) string {
		if _, is := job.ParsePicture(value); is {
			return asset
		}
		return value
	})
	return r, nil
}

// placeholder is the asset for dry runs with a key: one that an earlier command has uploaded
// lately, or another.
func (c *Catalog) placeholder(ctx context.Context, key *Key) (string, error) {
	unlock, err := c.placeholders.lock(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	if asset := c.placeholders.byKey[key.ID]; asset != "" {
		return asset, nil
	}
	to, can := key.Account.(provider.Uploader)
	if !can {
		return "", fmt.Errorf("%w: the API of key %s takes no pictures", job.ErrInvalid, key.ID)
	}
	asset, err := to.FindUpload(ctx, placeholderName, time.Now().Add(-placeholderAge))
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil || asset == "" { // where the list cannot be read, one too many harms nobody
		if asset, err = uploadPlaceholder(ctx, to); err != nil {
			return "", err
		}
	}
	if c.placeholders.byKey == nil {
		c.placeholders.byKey = make(map[string]string)
	}
	c.placeholders.byKey[key.ID] = asset
	return asset, nil
}

// A placeholder is sent so often, with a pause before it is looked for, where answers are
// lost.
const (
	placeholderTries = 3
	placeholderPause = time.Second
)

func uploadPlaceholder(ctx context.Context, to provider.Uploader) (string, error) {
	var content bytes.Buffer
	if err := png.Encode(&content, image.NewGray(image.Rect(0, 0, placeholderSize, placeholderSize))); err != nil {
		return "", err
	}
	var lost error
	for range placeholderTries {
		began := time.Now()
		asset, err := to.Upload(ctx, provider.Upload{
			Name: placeholderName, ContentType: "image/png", Bytes: int64(content.Len()),
			Open: func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(content.Bytes())), nil
			},
		})
		if _, unknown := errors.AsType[*job.UnknownOutcomeError](err); !unknown {
			return asset, err
		}
		lost = err
		select {
		case <-time.After(placeholderPause):
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
		if asset, err = to.FindUpload(ctx, placeholderName, began); err == nil && asset != "" {
			return asset, nil
		}
	}
	return "", lost
}
