package runner

import (
	"context"
	"fmt"
	"sync"
	"time"

	"nightshift/internal/job"
)

const (
	// gather is how long the first of several collectors waits for others, so that
	// one request reads the links of all. While requests are plenty it is brief:
	// then the wait costs more than the requests that it saves, because a collector
	// that waits holds one of the few slots.
	gather        = 100 * time.Millisecond
	gatherBriefly = 10 * time.Millisecond
	// bulkAssets is how many assets one request may name.
	bulkAssets = 200
	// linkAge is how long a link is kept; the provider's live for a day and more.
	linkAge = 10 * time.Minute
)

// links reads the signed links of assets, many with one request. They stay in
// memory: a link never reaches Redis, a log or the bucket.
type links struct {
	apiKey string
	assets func(ctx context.Context, apiKey string, ids []string) ([]job.Asset, error)
	spare  func(ctx context.Context, apiKey string) (float64, error) // part of the request rate that is free

	mu    sync.Mutex
	known map[string]knownLink
	next  *linkBatch // takes further ids; nil if none is gathering
}

type knownLink struct {
	link job.Link
	read time.Time
}

type linkBatch struct {
	ids  []string
	full chan struct{} // closed when no more fit
	done chan struct{} // closed when err is set and the links are known
	err  error
}

func newLinks(
	apiKey string,
	assets func(context.Context, string, []string) ([]job.Asset, error),
	spare func(context.Context, string) (float64, error),
) *links {
	return &links{apiKey: apiKey, assets: assets, spare: spare, known: make(map[string]knownLink)}
}

// get returns the link of an asset. job.ErrNotFound says that there is none.
func (l *links) get(ctx context.Context, asset string) (job.Link, error) {
	batch, first, link := l.join(asset)
	if batch == nil {
		return link, nil
	}
	if first {
		l.read(ctx, batch)
	}
	select {
	case <-batch.done:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if batch.err != nil {
		return "", batch.err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.known[asset]; ok {
		return known.link, nil
	}
	return "", fmt.Errorf("read asset %s: %w", asset, job.ErrNotFound)
}

// join returns a known link, or the batch that will read it and whether the
// caller is the first in it and has to do so.
func (l *links) join(asset string) (batch *linkBatch, first bool, link job.Link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.known[asset]; ok && time.Since(known.read) < linkAge {
		return nil, false, known.link
	}
	if l.next == nil {
		l.next, first = &linkBatch{full: make(chan struct{}), done: make(chan struct{})}, true
	}
	batch = l.next
	batch.ids = append(batch.ids, asset)
	if len(batch.ids) == bulkAssets {
		l.next = nil
		close(batch.full)
	}
	return batch, first, ""
}

// read waits for others to join, then reads the links of all. It runs in the
// first collector's goroutine but not under its context alone: the others rely
// on it, so that only its values are used.
func (l *links) read(ctx context.Context, batch *linkBatch) {
	defer close(batch.done)
	timer := time.NewTimer(l.patience(ctx))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-batch.full:
	}
	l.mu.Lock()
	if l.next == batch {
		l.next = nil
	}
	ids := batch.ids
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	var assets []job.Asset
	if assets, batch.err = l.assets(ctx, l.apiKey, ids); batch.err == nil {
		l.remember(assets)
	}
}

// patience is how long to wait for others. Where it cannot be said how scarce
// requests are, they are taken to be.
func (l *links) patience(ctx context.Context) time.Duration {
	if spare, err := l.spare(ctx, l.apiKey); err == nil && spare > plenty {
		return gatherBriefly
	}
	return gather
}

func (l *links) remember(assets []job.Asset) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for id, known := range l.known {
		if now.Sub(known.read) > linkAge {
			delete(l.known, id)
		}
	}
	for _, asset := range assets {
		l.known[asset.ID] = knownLink{link: asset.Link, read: now}
	}
}

// forget drops a link that is used up or no longer opens.
func (l *links) forget(asset string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.known, asset)
}
