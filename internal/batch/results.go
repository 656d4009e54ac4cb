package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"nightshift/internal/job"
	"nightshift/internal/jsonl"
	"nightshift/internal/text"
)

// Log is the record of how the jobs of one batch ended. It is safe for use by
// many goroutines, and by several processes as far as the bucket's Append is.
//
// A job can have several lines: one for each run in which it failed, one when it
// succeeded, and the same line twice where a process was killed between writing
// it and taking note of that. Whoever reads the log decides what that means; the
// report and the contact sheet let the last line of a job count,
// and a success above any failure of the same job.
type Log struct {
	bucket    Bucket
	batch     string
	succeeded *jsonl.Committer[[]byte]
	failed    *jsonl.Committer[[]byte]
}

// NewLog returns the log of the batch in this folder of the bucket. Nothing is
// read or written before it is asked for.
func NewLog(b Bucket, batch string) *Log {
	appendTo := func(name string) *jsonl.Committer[[]byte] {
		return jsonl.NewCommitter(func(ctx context.Context, lines [][]byte) error {
			return b.Append(ctx, objectKey(batch, name), bytes.Join(lines, nil))
		})
	}
	return &Log{bucket: b, batch: batch, succeeded: appendTo(succeededName), failed: appendTo(failedName)}
}

var errNotEnded = errors.New("the job has not ended")

// Append writes the result as one line, to results.jsonl for a job that
// succeeded and to errors.jsonl for any other, and returns once the line is
// durable. Lines that arrive while another write is under way share the next
// one, so that many jobs a second need few durable writes.
//
// A line that was accepted is written even if ctx ends meanwhile, because it may
// be the only note of something that was paid for; it waits for at most 30 seconds,
// where the bucket looks at its context while it writes. After an error the line may
// or may not be there, and appending it again is harmless.
func (l *Log) Append(ctx context.Context, r job.Result) error {
	if !r.State.Final() {
		return fmt.Errorf("record job %q in state %q: %w", r.Job, r.State, errNotEnded)
	}
	r.Reason, r.Hint = text.HideSecrets(r.Reason), text.HideSecrets(r.Hint)
	line, err := encodeLine(r)
	if err != nil {
		return fmt.Errorf("record job %q: %w", r.Job, err)
	}
	to := l.failed
	if r.State == job.Succeeded {
		to = l.succeeded
	}
	if err := to.Append(ctx, line); err != nil {
		return fmt.Errorf("record job %q: %w", r.Job, err)
	}
	return nil
}

// encodeLine encodes the result with its newline; JSON has no raw newlines
// within.
func encodeLine(r job.Result) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	return buffer.Bytes(), nil
}

// Succeeded streams results.jsonl in the order of its lines, each line as it is:
// a job that stands twice in the log comes twice. A log that was never written
// is empty. A last line that was cut off is left out; any other line that cannot
// be read ends the stream with a [job.HintedError] that names file and line.
func (l *Log) Succeeded(ctx context.Context) iter.Seq2[job.Result, error] {
	return l.read(ctx, succeededName)
}

// Failed streams errors.jsonl like [Log.Succeeded] does results.jsonl.
func (l *Log) Failed(ctx context.Context) iter.Seq2[job.Result, error] {
	return l.read(ctx, failedName)
}

func (l *Log) read(ctx context.Context, name string) iter.Seq2[job.Result, error] {
	return func(yield func(job.Result, error) bool) {
		for line, err := range wholeResults.ReadObject(ctx, l.bucket, objectKey(l.batch, name)) {
			if !yield(line.Value, err) || err != nil {
				return
			}
		}
	}
}

// Brief streams what sums need of the failed jobs and then of those that succeeded: see
// briefResults for what is left out.
func (l *Log) Brief(ctx context.Context) iter.Seq2[jsonl.Line[job.Result], error] {
	return func(yield func(jsonl.Line[job.Result], error) bool) {
		for _, name := range []string{failedName, succeededName} {
			for line, err := range briefResults.ReadObject(ctx, l.bucket, objectKey(l.batch, name)) {
				if !yield(line, err) || err != nil {
					return
				}
			}
		}
	}
}
