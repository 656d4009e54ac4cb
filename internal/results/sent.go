package results

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/jsonl"
)

const sentName = "_nightshift/sent.jsonl"

// Sent is the durable list of a batch's paid requests: each before it is sent, and
// what is known after. A later process reads from it what was paid and not
// collected, exactly, when Redis is empty. It is safe for use by many goroutines;
// of the list of one batch there is one Sent at a time, unless it is made for sharing.
//
// The list holds on to what is still needed: once most of a long list is of requests
// that were refused, or ended more than five minutes ago, it is written anew without
// them. The five minutes are for a reader who has to know what ended just now.
type Sent struct {
	bucket Bucket
	key    string
	lines  *jsonl.Committer[sentLine]
	shared bool // with other processes

	// Both belong to who writes.
	needed *requests
	known  bool // needed says what is in the file

	mu    sync.Mutex
	ended []endedRequest // reported and not yet noted in needed
}

// NewSharedSent is [NewSent] for a list that several processes write at the same
// time. It is never shortened but by Clear.
func NewSharedSent(b Bucket, batch string) *Sent {
	s := NewSent(b, batch)
	s.shared = true
	return s
}

// sentLine is a submission and its line.
type sentLine struct {
	submission job.Submission
	text       []byte
}

// NewSent returns the list of the batch in this folder of the bucket. Nothing is
// read or written before it is asked for.
func NewSent(b Bucket, batch string) *Sent {
	s := &Sent{bucket: b, key: objectKey(batch, sentName), needed: newRequests()}
	s.lines = jsonl.NewCommitter(s.write)
	return s
}

// Note writes one line and returns when it is durable; lines that come at the same
// time share a write. The first call reads what an earlier process left, and is a
// [job.HintedError] where that cannot be read. After an error the line may or may
// not be there.
func (s *Sent) Note(ctx context.Context, submission job.Submission) error {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(submission)
	if err == nil {
		err = s.lines.Append(ctx, sentLine{submission, buffer.Bytes()})
	}
	if err != nil {
		return fmt.Errorf("note job %q as %s: %w", submission.ID, submission.Event, err)
	}
	return nil
}

// Ended says that the result of this attempt is recorded, so that the list need not
// name it for much longer. It writes nothing by itself and may be called again, also
// for an attempt that the list does not name.
func (s *Sent) Ended(id job.ID, attempt int) {
	if s.shared {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = append(s.ended, endedRequest{id, attempt, time.Now()})
}

// write makes lines durable: behind those of before, or in a list written anew.
func (s *Sent) write(ctx context.Context, lines []sentLine) error {
	var text []byte
	for _, line := range lines {
		text = append(text, line.text...)
	}
	if s.shared {
		return s.bucket.Append(ctx, s.key, text)
	}
	if err := s.learn(ctx); err != nil {
		return err
	}
	write := s.bucket.Append
	if s.needed.wasteful() {
		write = s.rewrite
	}
	err := write(ctx, s.key, text)
	// Lines of which the write failed are counted too. They may be there, and if
	// not, then what they say holds all the same but for an intent, which nobody
	// acts on.
	for _, line := range lines {
		s.needed.take(line.submission)
	}
	return err
}

// learn brings needed up to date: with what is in the file, and what has ended.
func (s *Sent) learn(ctx context.Context) error {
	if !s.known {
		found := newRequests()
		for line, err := range briefSubmissions.ReadObject(ctx, s.bucket, s.key) {
			if err != nil {
				return err
			}
			found.take(line.Value)
		}
		s.needed, s.known = found, true
	}
	s.mu.Lock()
	ended := s.ended
	s.ended = nil
	s.mu.Unlock()
	s.needed.end(ended)
	s.needed.forget(time.Now().Add(-keepEnded))
	return nil
}

// rewrite replaces the list by what is needed of it, with added behind.
func (s *Sent) rewrite(ctx context.Context, key string, added []byte) error {
	lines := s.needed.filter(briefSubmissions.ReadObject(ctx, s.bucket, key))
	defer lines.stop()
	if err := s.bucket.Put(ctx, key, io.MultiReader(lines, bytes.NewReader(added))); err != nil {
		return fmt.Errorf("shorten the list: %w", err)
	}
	s.needed.filtered()
	return nil
}

// All streams the list in the order of its lines. A last line that was cut off is
// left out: nothing was sent before it was whole. A line that cannot be read ends
// the stream with a [job.HintedError] that names file and line.
func (s *Sent) All(ctx context.Context) iter.Seq2[job.Submission, error] {
	return func(yield func(job.Submission, error) bool) {
		for line, err := range wholeSubmissions.ReadObject(ctx, s.bucket, s.key) {
			if !yield(line.Value, err) || err != nil {
				return
			}
		}
	}
}

// Clear empties the list, once nothing that it names is under way.
func (s *Sent) Clear(ctx context.Context) error {
	err := s.lines.Alone(ctx, func() error {
		if err := s.bucket.Put(ctx, s.key, bytes.NewReader(nil)); err != nil {
			return err
		}
		s.needed, s.known = newRequests(), true
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended = nil
		return nil
	})
	if err != nil {
		return fmt.Errorf("clear %s: %w", s.key, err)
	}
	return nil
}
