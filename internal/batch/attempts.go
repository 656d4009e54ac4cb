package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/jsonl"
)

// Attempts is the durable log of a batch's paid requests: each before it is sent, and
// what became of it. It only grows. It is safe for use by many goroutines, and by several
// processes as far as the bucket's Append is.
type Attempts struct {
	lines *jsonl.Committer[[]byte]
}

// NewAttempts returns the log of the batch in this folder of the bucket. Nothing is
// read or written before it is asked for.
func NewAttempts(b Bucket, batch string) *Attempts {
	return &Attempts{lines: jsonl.NewCommitter(func(ctx context.Context, lines [][]byte) error {
		return b.Append(ctx, objectKey(batch, attemptsName), bytes.Join(lines, nil))
	})}
}

// Note writes one line and returns when it is durable; lines that come at the same time
// share a write. After an error the line may or may not be there, and writing it again is
// harmless.
func (a *Attempts) Note(ctx context.Context, line job.AttemptLine) error {
	text, err := encodeAttempt(&line)
	if err == nil {
		err = a.lines.Append(ctx, text)
	}
	if err != nil {
		return fmt.Errorf("note attempt %d of job %q as %s: %w", line.Attempt, line.Job, line.Event, err)
	}
	return nil
}

// Begin writes the line that tells a log of which nothing was sent from one that is lost.
func (a *Attempts) Begin(ctx context.Context, at time.Time) error {
	text, err := encodeAttempt(&job.AttemptLine{Event: job.Begun, At: at})
	if err == nil {
		err = a.lines.Append(ctx, text)
	}
	if err != nil {
		return fmt.Errorf("begin the log of attempts: %w", err)
	}
	return nil
}

func encodeAttempt(line *job.AttemptLine) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(line)
	return buffer.Bytes(), err
}

// maxAttempt is more than any job is ever tried.
const maxAttempt = 1 << 16

// attemptLines are the lines of the log without what is sent, which most readers do not
// ask for; see wholeAttempt.
var attemptLines = jsonl.Kind[job.AttemptLine]{
	Start: `{"event":"`, Decode: decodeAttempt,
	Hint: "put back the file as it was, from a copy. Without this line a request that it alone names " +
		"is not looked for at the provider, and its job may be paid again",
}

var errNotAnAttempt = errors.New("not a line about an attempt")

func decodeAttempt(text []byte) (job.AttemptLine, error) {
	var line job.AttemptLine
	if jsonl.Fields(text, func(name, value []byte) bool { return setField(&line, name, value) }) && isAttempt(&line) {
		return line, nil
	}
	return wholeAttempt(text)
}

// wholeAttempt reads a line with what is sent.
func wholeAttempt(text []byte) (job.AttemptLine, error) {
	var line job.AttemptLine
	if err := json.Unmarshal(text, &line); err != nil {
		return job.AttemptLine{}, fmt.Errorf("%w: %w", errNotAnAttempt, err)
	}
	if !isAttempt(&line) {
		return job.AttemptLine{}, errNotAnAttempt
	}
	return line, nil
}

func isAttempt(line *job.AttemptLine) bool {
	switch line.Event {
	case job.Begun:
		return true
	case job.Intended, job.Received, job.Refused, job.Ended:
		return line.Job != "" && line.Attempt >= 1 && line.Attempt <= maxAttempt && line.Refunded <= line.Billed
	default:
		return false
	}
}

// setField sets any field of a line but what is sent.
func setField(line *job.AttemptLine, name, value []byte) bool {
	switch string(name) {
	case "event":
		return jsonl.Text(&line.Event, value)
	case "job":
		return jsonl.Text(&line.Job, value)
	case "attempt":
		return jsonl.Number(&line.Attempt, value)
	case "fence":
		return jsonl.Number(&line.Fence, value)
	case "at":
		return line.At.UnmarshalJSON(value) == nil
	case "apiKey":
		return jsonl.Text(&line.APIKey, value)
	case "project":
		return jsonl.Text(&line.Project, value)
	case "team":
		return jsonl.Text(&line.Team, value)
	case "quoted":
		return line.Quoted.UnmarshalJSON(value) == nil
	case "inference":
		return jsonl.Text(&line.Inference, value)
	case "providerKeyID":
		return jsonl.Text(&line.ProviderKeyID, value)
	case "made":
		return line.Made.UnmarshalJSON(value) == nil
	case "sent":
		return line.Sent.UnmarshalJSON(value) == nil
	case "billed":
		return line.Billed.UnmarshalJSON(value) == nil
	case "refunded":
		return line.Refunded.UnmarshalJSON(value) == nil
	default:
		return true
	}
}
