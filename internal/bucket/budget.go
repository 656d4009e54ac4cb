package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/semaphore"
)

// DefaultBufferBytes is how much of objects on their way to S3 a process keeps in
// memory at most, where nothing else is said.
const DefaultBufferBytes int64 = 64 << 20

// chunkBytes is what buffers are made of.
const chunkBytes = 256 << 10

var chunkPool = sync.Pool{New: func() any { return new([chunkBytes]byte) }}

// budget bounds the bytes that are buffered at any time. Whoever wants some stands
// in a line, so that a large object is not passed by small ones for ever.
type budget struct {
	size int64
	free *semaphore.Weighted
	// beyond is held by the one object that turned out larger than it had reserved.
	beyond *semaphore.Weighted
}

func newBudget(size int64) *budget {
	if size <= 0 {
		size = DefaultBufferBytes
	}
	size = max(size, partBytes)
	return &budget{size: size, free: semaphore.NewWeighted(size), beyond: semaphore.NewWeighted(1)}
}

// reserve waits for n bytes. An object larger than the budget gets all of it, alone.
func (b *budget) reserve(ctx context.Context, n int64) (release func(), err error) {
	n = min((n+chunkBytes-1)/chunkBytes*chunkBytes, b.size)
	if err := b.free.Acquire(ctx, n); err != nil {
		return nil, context.Cause(ctx)
	}
	return func() { b.free.Release(n) }, nil
}

// exceed waits until no other object is larger than what it reserved.
func (b *budget) exceed(ctx context.Context) (release func(), err error) {
	if err := b.beyond.Acquire(ctx, 1); err != nil {
		return nil, context.Cause(ctx)
	}
	return func() { b.beyond.Release(1) }, nil
}

// buffer holds an object, or a part of one, in pooled memory.
type buffer struct {
	chunks []*[chunkBytes]byte
	size   int64
}

// maxEmptyReads is how often a body may answer with nothing before it is given up.
const maxEmptyReads = 100

// fill reads until the buffer holds limit bytes or the body ends, which it reports.
// ctx is looked at between reads.
func (b *buffer) fill(ctx context.Context, body io.Reader, limit int64) (ended bool, err error) {
	empty := 0
	for b.size < limit {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		room := b.room()
		room = room[:min(int64(len(room)), limit-b.size)]
		n, err := body.Read(room)
		b.size += int64(n)
		switch {
		case errors.Is(err, io.EOF):
			return true, nil
		case err != nil:
			return false, fmt.Errorf("read the body: %w", err)
		case n > 0:
			empty = 0
		default:
			if empty++; empty > maxEmptyReads {
				return false, fmt.Errorf("read the body: %w", io.ErrNoProgress)
			}
		}
	}
	return false, nil
}

// room is what is left of the last chunk, or a new one.
func (b *buffer) room() []byte {
	at := b.size / chunkBytes
	if at == int64(len(b.chunks)) {
		b.chunks = append(b.chunks, chunkPool.Get().(*[chunkBytes]byte))
	}
	return b.chunks[at][b.size%chunkBytes:]
}

// reset empties the buffer for other bytes.
func (b *buffer) reset() { b.size = 0 }

// release gives the memory back. Nobody may read the buffer any more.
func (b *buffer) release() {
	for _, chunk := range b.chunks {
		chunkPool.Put(chunk)
	}
	b.chunks, b.size = nil, 0
}

// reader reads the buffer from its start, any number of times.
func (b *buffer) reader() *bufferReader { return &bufferReader{buffer: b} }

type bufferReader struct {
	buffer *buffer
	at     int64
}

func (r *bufferReader) Read(p []byte) (int, error) {
	if r.at >= r.buffer.size {
		return 0, io.EOF
	}
	chunk := r.buffer.chunks[r.at/chunkBytes][r.at%chunkBytes:]
	chunk = chunk[:min(int64(len(chunk)), r.buffer.size-r.at)]
	n := copy(p, chunk)
	r.at += int64(n)
	return n, nil
}

func (r *bufferReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.buffer.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the start of a buffer")
	}
	r.at = offset
	return offset, nil
}
