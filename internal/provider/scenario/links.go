package scenario

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// gather is how long the first of several collectors waits for others, so that one
// request reads the links of all. While requests are plenty it is brief: then the wait
// costs more than the requests that it saves, because a collector that waits holds one
// of the few slots.
const (
	gather        = 500 * time.Millisecond
	gatherBriefly = 10 * time.Millisecond
)

// Fetch reads the link of an image, together with those that others want just now, and
// opens it. A link is used once: should the image not come whole, the next call reads
// another. Errors are those of [Client.Assets] and [Client.Download].
func (c *Client) Fetch(ctx context.Context, image provider.Image) (body io.ReadCloser, length int64, err error) {
	record, err := c.record(ctx, image.Asset)
	if err != nil {
		return nil, 0, err
	}
	link := record.asset().Link
	if link == "" {
		return nil, 0, fmt.Errorf("asset %s has no link: %w", image.Asset, job.ErrGone)
	}
	body, length, err = c.Download(ctx, link)
	if err != nil {
		return nil, 0, &job.SideError{Side: job.SideLinkHost, Err: err}
	}
	return recordedBody{body, record.image()}, length, nil
}

// recordedBody is a download with what the record of its asset says of it.
type recordedBody struct {
	io.ReadCloser
	record provider.Record
}

// Record implements [provider.Recorded].
func (b recordedBody) Record() provider.Record { return b.record }

// links gathers the assets whose signed links are wanted, to read many with one request.
// They stay in memory: a link never reaches Redis, a log or the bucket.
type links struct {
	mu   sync.Mutex
	next *linkBatch // takes further ids; nil if none is gathering
}

type linkBatch struct {
	ids     []string
	waiting int                // how many still want a link of it
	stop    context.CancelFunc // ends the reading
	full    chan struct{}      // closed when no more fit
	done    chan struct{}      // closed when records and err are set
	records map[string]assetRecord
	err     error
}

// record reads the record of an asset, with a fresh link. job.ErrNotFound says that there
// is none.
func (c *Client) record(ctx context.Context, asset string) (*assetRecord, error) {
	batch, first := c.links.join(asset)
	defer c.links.left(batch)
	if first {
		// The others rely on it, so that only the values of this context are used.
		reading, stop := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
		batch.stop = stop
		go c.readLinks(reading, batch)
	}
	select {
	case <-batch.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if batch.err != nil {
		return nil, batch.err
	}
	record, there := batch.records[asset]
	if !there {
		return nil, fmt.Errorf("read asset %s: %w", asset, job.ErrNotFound)
	}
	return &record, nil
}

// join returns the batch that will read the link of an asset, and whether the caller is
// the first in it and has to do so.
func (l *links) join(asset string) (batch *linkBatch, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == nil {
		l.next, first = &linkBatch{full: make(chan struct{}), done: make(chan struct{})}, true
	}
	batch = l.next
	batch.ids, batch.waiting = append(batch.ids, asset), batch.waiting+1
	if len(batch.ids) == MaxAssets {
		l.next = nil
		close(batch.full)
	}
	return batch, first
}

// left notes that a collector has its link, or does without. Once nobody wants one any
// more, the reading ends: it may wait for its place in the request rate.
func (l *links) left(batch *linkBatch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if batch.waiting--; batch.waiting == 0 {
		if l.next == batch { // whoever comes now needs another
			l.next = nil
		}
		batch.stop()
	}
}

// readLinks waits for others to join, then reads the links of all.
func (c *Client) readLinks(ctx context.Context, batch *linkBatch) {
	defer close(batch.done)
	patience := gather
	if c.requests.Plenty(ctx) {
		patience = gatherBriefly
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-batch.full:
	case <-ctx.Done():
	}
	records, err := c.assetRecords(ctx, c.links.leave(batch))
	batch.records, batch.err = make(map[string]assetRecord, len(records)), err
	for _, record := range records {
		batch.records[record.ID.Value] = record
	}
}

// leave lets nobody join a batch any more and returns whose links it is to read.
func (l *links) leave(batch *linkBatch) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == batch {
		l.next = nil
	}
	return batch.ids
}
