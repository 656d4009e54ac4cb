package results

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"

	"nightshift/internal/job"
	"nightshift/internal/jsonl"
)

const journalName = "spend.jsonl"

// Journal is the spend journal of one batch: every CU that was set aside, taken or
// given back, copied from Redis to where it outlives it. It only grows. It is safe
// for use by many goroutines; of several processes only one may append.
//
// A line can stand twice in the file, where its writer was not told that it is
// there. [job.Spend] counts it once.
type Journal struct {
	bucket Bucket
	batch  string
	key    string
	turn   chan struct{} // holds a token while somebody appends
	held   job.Places    // what the file holds; nil before it was read; belongs to who has the turn
}

// NewJournal returns the journal of the batch in this folder of the bucket. Nothing
// is read or written before it is asked for.
func NewJournal(b Bucket, batch string) *Journal {
	return &Journal{bucket: b, batch: batch, key: objectKey(batch, journalName), turn: make(chan struct{}, 1)}
}

// Append writes the entries, in the order of their places, and returns when they
// are durable. Entries that the file holds already, or that come before one that
// it holds of the same life, are left out. After an error all or some may be there,
// and appending them again is harmless. An entry of another batch, or one that
// [job.Entry.Check] refuses, is an error wrapping [job.ErrInvalid], and nothing is
// written then.
//
// The first call reads what the file holds, behind the checkpoint if there is one.
func (j *Journal) Append(ctx context.Context, entries []job.Entry) error {
	select {
	case j.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("append to %s: %w", j.key, context.Cause(ctx))
	}
	defer func() { <-j.turn }()
	if err := j.append(ctx, entries); err != nil {
		return fmt.Errorf("append to %s: %w", j.key, err)
	}
	return nil
}

func (j *Journal) append(ctx context.Context, entries []job.Entry) error {
	if j.held == nil {
		known, err := j.sum(ctx)
		if err != nil {
			return err
		}
		j.held = known.spend.Places()
	}
	held := j.held.Clone()
	lines, err := j.encode(entries, held)
	if err != nil || len(lines) == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, jsonl.CommitTimeout)
	defer cancel()
	if err := j.bucket.Append(ctx, j.key, lines); err != nil {
		return err
	}
	j.held = held
	return nil
}

// encode returns the lines of those entries that held is before, and advances it.
func (j *Journal) encode(entries []job.Entry, held job.Places) ([]byte, error) {
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	encoder.SetEscapeHTML(false)
	for _, e := range entries {
		err := e.Check()
		if err == nil && e.Batch != j.batch {
			err = fmt.Errorf("%w: it belongs to batch %q", job.ErrInvalid, e.Batch)
		}
		if err == nil && held.Advance(e) {
			err = encoder.Encode(e)
		}
		if err != nil {
			return nil, fmt.Errorf("entry %s of life %q: %w", e.Place, e.Life, err)
		}
	}
	return lines.Bytes(), nil
}

// All streams the journal in the order of its lines, each as it is. A last line
// that was cut off is left out. A line that cannot be read ends the stream with an
// error that names file and line and is a [job.HintedError].
func (j *Journal) All(ctx context.Context) iter.Seq2[job.Entry, error] {
	return func(yield func(job.Entry, error) bool) {
		body, err := j.open(ctx)
		if err != nil {
			yield(job.Entry{}, err)
			return
		}
		defer body.Close()
		for entry, err := range decodeLines(ctx, j.key, body, new(jsonl.Mark), job.Entry.Check) {
			if !yield(entry, err) {
				return
			}
		}
	}
}

// open opens the file; one that was never written is empty.
func (j *Journal) open(ctx context.Context) (io.ReadCloser, error) {
	body, err := j.bucket.Open(ctx, j.key)
	if errors.Is(err, fs.ErrNotExist) {
		return io.NopCloser(bytes.NewReader(nil)), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", j.key, err)
	}
	return body, nil
}
