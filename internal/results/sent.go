package results

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"

	"nightshift/internal/job"
)

const sentName = "_nightshift/sent.jsonl"

// Sent is the durable list of a batch's paid requests: each before it is sent, and
// what is known after. A later process reads from it what was paid and not
// collected, exactly, when Redis is empty. It is safe for use by many goroutines.
type Sent struct {
	bucket Bucket
	key    string
	lines  *committer
}

// NewSent returns the list of the batch in this folder of the bucket.
func NewSent(b Bucket, batch string) *Sent {
	key := objectKey(batch, sentName)
	return &Sent{bucket: b, key: key, lines: newCommitter(b, key)}
}

// Note writes one line and returns when it is durable; lines that come at the same
// time share a write.
func (s *Sent) Note(ctx context.Context, submission job.Submission) error {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(submission)
	if err == nil {
		err = s.lines.append(ctx, buffer.Bytes())
	}
	if err != nil {
		return fmt.Errorf("note job %q as %s: %w", submission.ID, submission.Event, err)
	}
	return nil
}

// All streams the list in the order of its lines. A last line that was cut off is
// left out: nothing was sent before it was whole.
func (s *Sent) All(ctx context.Context) iter.Seq2[job.Submission, error] {
	return func(yield func(job.Submission, error) bool) {
		body, err := s.bucket.Open(ctx, s.key)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(job.Submission{}, fmt.Errorf("read %s: %w", s.key, err))
			return
		}
		defer body.Close()
		reader := bufio.NewReaderSize(body, 64<<10)
		for number := 1; ; number++ {
			line, complete, err := readLine(reader)
			if err == nil && !complete {
				return
			}
			var submission job.Submission
			if err == nil {
				err = json.Unmarshal(line, &submission)
			}
			if err != nil {
				yield(submission, fmt.Errorf("read %s, line %d: %w", s.key, number, err))
				return
			}
			if !yield(submission, nil) {
				return
			}
		}
	}
}

// Clear empties the list, once nothing that it names is under way.
func (s *Sent) Clear(ctx context.Context) error {
	if err := s.bucket.Put(ctx, s.key, bytes.NewReader(nil)); err != nil {
		return fmt.Errorf("clear %s: %w", s.key, err)
	}
	return nil
}
