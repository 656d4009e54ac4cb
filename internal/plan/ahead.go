package plan

import (
	"context"
	"iter"
	"sync"

	"nightshift/internal/manifest"
)

const (
	chunkRows   = 64 // handed over at once, so that the hand-over costs little a row
	chunksAhead = 4
)

type readRow struct {
	row *manifest.Row
	err error
}

// prefetch reads rows in a goroutine of its own while those before are worked on.
// Their order stays. The goroutine ends before the sequence does; a context that
// is done ends the sequence with its cause.
func prefetch(ctx context.Context, rows iter.Seq2[*manifest.Row, error]) iter.Seq2[*manifest.Row, error] {
	return func(yield func(*manifest.Row, error) bool) {
		reading, stop := context.WithCancel(ctx)
		chunks := make(chan []readRow, chunksAhead)
		var reader sync.WaitGroup
		reader.Go(func() {
			defer close(chunks)
			fill(reading, rows, chunks)
		})
		defer reader.Wait()
		defer stop()
		for chunk := range chunks {
			for _, read := range chunk {
				if !yield(read.row, read.err) {
					return
				}
			}
		}
		if ctx.Err() != nil {
			yield(nil, context.Cause(ctx))
		}
	}
}

func fill(ctx context.Context, rows iter.Seq2[*manifest.Row, error], chunks chan<- []readRow) {
	send := func(chunk []readRow) bool {
		select {
		case chunks <- chunk:
			return true
		case <-ctx.Done():
			return false
		}
	}
	chunk := make([]readRow, 0, chunkRows)
	for row, err := range rows {
		chunk = append(chunk, readRow{row: row, err: err})
		if len(chunk) == chunkRows {
			if !send(chunk) {
				return
			}
			chunk = make([]readRow, 0, chunkRows)
		}
	}
	send(chunk)
}
