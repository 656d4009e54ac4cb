package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

const (
	// fetchedAhead is how many shards are fetched while others are read.
	fetchedAhead = 16
	// fetchedBytes bounds the shards that are fetched ahead as a whole; larger ones
	// are read when their turn comes.
	fetchedBytes = 256 << 10
	// freshTries bounds how often a log is started again because it was folded together
	// while it was read.
	freshTries = 100
)

// logReader reads an object with all that was appended to it.
type logReader struct {
	bucket *S3
	ctx    context.Context
	cancel context.CancelFunc
	key    string

	now     io.ReadCloser // nil between two
	open    bool          // the last byte read was not the end of a line
	coming  []chan fetched
	left    []shard
	renewed int
	strict  bool // what vanishes is an error, not a reason to start again
	err     error
}

// fetched is a shard that is ready to be read.
type fetched struct {
	body io.ReadCloser
	err  error
}

func (b *S3) openLog(ctx context.Context, key string) (*logReader, error) {
	ctx, cancel := context.WithCancel(ctx)
	r := &logReader{bucket: b, ctx: ctx, cancel: cancel, key: key}
	if err := r.begin(); err != nil {
		cancel()
		return nil, err
	}
	return r, nil
}

// begin lists first and opens the base then. Whoever folds shards stores the base
// before it deletes them, so in this order nothing can be missed between.
func (r *logReader) begin() error {
	shards, err := r.bucket.shards(r.ctx, r.key)
	if err != nil {
		return err
	}
	base, err := r.bucket.get(r.ctx, r.key)
	if err != nil && (!errors.Is(err, fs.ErrNotExist) || len(shards) == 0) {
		return err
	}
	r.left = shards
	if err == nil {
		r.now = base
	}
	return nil
}

// Read puts an end to a last line without one before it goes on to the next part.
func (r *logReader) Read(p []byte) (int, error) {
	for r.err == nil && len(p) > 0 {
		if r.now == nil {
			r.err = r.next()
			continue
		}
		n, err := r.now.Read(p)
		if n > 0 {
			r.open = p[n-1] != '\n'
			return n, nil
		}
		if errors.Is(err, io.EOF) {
			r.now.Close()
			r.now = nil
		} else if err != nil {
			r.err = r.vanished(err)
		}
	}
	if len(p) == 0 {
		return 0, nil
	}
	return 0, r.err
}

// next opens what comes behind what was read.
func (r *logReader) next() error {
	for len(r.left) > 0 && len(r.coming) < fetchedAhead {
		r.fetch(r.left[0])
		r.left = r.left[1:]
	}
	if len(r.coming) == 0 {
		return io.EOF
	}
	if r.open {
		r.now, r.open = io.NopCloser(bytes.NewReader([]byte("\n"))), false
		return nil
	}
	shard := <-r.coming[0]
	r.coming = r.coming[1:]
	if shard.err != nil {
		return r.vanished(shard.err)
	}
	r.now = shard.body
	return nil
}

// fetch begins to fetch a shard; what is large is opened when it is read.
func (r *logReader) fetch(s shard) {
	ready := make(chan fetched, 1)
	r.coming = append(r.coming, ready)
	key := shardFolder(r.key) + s.name
	if s.size > fetchedBytes {
		ready <- fetched{body: &lazy{open: func() (io.ReadCloser, error) { return r.bucket.get(r.ctx, key) }}}
		return
	}
	go func() { // ends with its request, at the latest when the reader is closed
		body, err := r.bucket.get(r.ctx, key)
		if err != nil {
			ready <- fetched{err: err}
			return
		}
		defer body.Close()
		data, err := io.ReadAll(body)
		ready <- fetched{body: io.NopCloser(bytes.NewReader(data)), err: err}
	}()
}

// vanished starts again when a shard is gone: its lines are in the base now, or were
// replaced together with it. Lines that were read already come again.
func (r *logReader) vanished(err error) error {
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errMoved) {
		return err
	}
	if r.strict {
		return errMoved
	}
	r.drop()
	if r.renewed++; r.renewed > freshTries {
		return fmt.Errorf("%q was replaced %d times while it was read", r.key, freshTries)
	}
	if err := r.begin(); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return io.EOF // it was deleted meanwhile
}

// drop lets go of all that was opened or is being fetched.
func (r *logReader) drop() {
	if r.now != nil {
		r.now.Close()
		r.now = nil
	}
	for _, coming := range r.coming {
		if shard := <-coming; shard.body != nil {
			shard.body.Close()
		}
	}
	r.coming, r.left = nil, nil
}

func (r *logReader) Close() error {
	r.cancel()
	r.drop()
	if r.err == nil {
		r.err = fs.ErrClosed
	}
	return nil
}

// lazy opens what it reads when it is first read.
type lazy struct {
	open func() (io.ReadCloser, error)
	body io.ReadCloser
}

func (l *lazy) Read(p []byte) (int, error) {
	if l.body == nil {
		body, err := l.open()
		if err != nil {
			return 0, err
		}
		l.body = body
	}
	return l.body.Read(p)
}

func (l *lazy) Close() error {
	if l.body == nil {
		return nil
	}
	return l.body.Close()
}
