package batch

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/jsonl"
)

// The logs of folders that were made before there was one log of attempts.
const (
	oldSentName  = "_nightshift/sent.jsonl"
	oldSpendName = spendName
	convertLock  = "_nightshift/convert.lock"
)

// oldSpendStart begins the lines of the spend journal of before. What is written for
// people under the same name today begins with the API key.
const oldSpendStart = `{"life":"`

// Convert writes the log of attempts of a folder that was made before there was one. The
// batch's leader calls it before anything is granted, and so before anything is noted.
func Convert(ctx context.Context, b Bucket, batch string) (err error) {
	key := objectKey(batch, attemptsName)
	if begins, err := beginning(ctx, b, key, 1); err != nil || begins != "" {
		return err
	}
	if old, err := isOld(ctx, b, batch); err != nil || !old {
		return err
	}
	unlock, err := b.Lock(ctx, objectKey(batch, convertLock))
	if err != nil {
		return fmt.Errorf("convert %s: %w", objectKey(batch, oldSentName), err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if begins, err := beginning(ctx, b, key, 1); err != nil || begins != "" { // another process has just done it
		return err
	}
	converted, err := openOld(ctx, b, batch)
	if err != nil {
		return err
	}
	defer converted.Close() // only read from
	return b.Put(ctx, key, converted)
}

// isOld reports whether a folder without a log of attempts has logs of before.
func isOld(ctx context.Context, b Bucket, batch string) (bool, error) {
	sent, err := beginning(ctx, b, objectKey(batch, oldSentName), 1)
	if err != nil || sent != "" {
		return sent != "", err
	}
	spent, err := beginning(ctx, b, objectKey(batch, oldSpendName), len(oldSpendStart))
	return spent == oldSpendStart, err
}

// beginning returns what an object begins with; "" if it is empty or not there.
func beginning(ctx context.Context, b Bucket, key string, length int) (string, error) {
	body, err := b.Open(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", key, err)
	}
	defer body.Close() // only read from
	text, err := io.ReadAll(io.LimitReader(body, int64(length)))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", key, err)
	}
	return string(text), nil
}

// openOld reads the logs of before as lines of the log of attempts; a folder that has
// none of them has no lines.
func openOld(ctx context.Context, b Bucket, batch string) (io.ReadCloser, error) {
	if old, err := isOld(ctx, b, batch); err != nil || !old {
		return noLines(), err
	}
	reader, writer := io.Pipe()
	converted := oldLog{PipeReader: reader}
	converted.writing.Go(func() {
		c := conversion{bucket: b, batch: batch, to: bufio.NewWriter(writer), billed: make(map[digest]bool), in: make(map[string]movement)}
		writer.CloseWithError(c.run(ctx))
	})
	return &converted, nil
}

// oldLog is read while it is converted.
type oldLog struct {
	*io.PipeReader
	writing sync.WaitGroup
}

// Close ends the conversion.
func (l *oldLog) Close() error {
	err := l.PipeReader.Close()
	l.writing.Wait()
	return err
}

// movement is a line of the spend journal of before.
type movement struct {
	Event    string    `json:"event"`
	Job      job.ID    `json:"job"`
	Attempt  int       `json:"attempt"`
	APIKey   string    `json:"apiKey"`
	Project  string    `json:"project"`
	Team     string    `json:"team"`
	Billed   job.CU    `json:"billed"`
	Refunded job.CU    `json:"refunded"`
	At       time.Time `json:"at"`
	Charged  time.Time `json:"charged"`
}

// sentLine is a line of the list of what was sent of before.
type sentLine struct {
	job.AttemptLine
	Author string `json:"author"`
}

// conversion writes what the logs of before say. Bills come first, so that what was sent
// and is over is known to be so.
type conversion struct {
	bucket Bucket
	batch  string
	to     *bufio.Writer
	billed map[digest]bool
	in     map[string]movement // what API keys were counted in
}

func (c *conversion) run(ctx context.Context) error {
	err := eachOld(ctx, c, oldSpendName, oldSpendStart, c.movement)
	for _, name := range []string{failedName, succeededName} {
		if err == nil {
			err = eachOld(ctx, c, name, bills.Start, c.result)
		}
	}
	if err == nil {
		err = eachOld(ctx, c, oldSentName, attemptLines.Start, c.sent)
	}
	if err != nil {
		return err
	}
	return c.to.Flush()
}

// eachOld gives take the lines of a log of before.
func eachOld[T any](ctx context.Context, c *conversion, name, start string, take func(T) error) error {
	lines := jsonl.Kind[T]{
		Start: start, Hint: "put back the file as it was, from a copy, or move the batch's folder away if nothing of it is in flight",
		Decode: func(text []byte) (line T, err error) {
			err = json.Unmarshal(text, &line)
			return line, err
		},
	}
	for line, err := range lines.ReadObject(ctx, c.bucket, objectKey(c.batch, name)) {
		if err == nil {
			err = take(line.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *conversion) movement(m movement) error {
	c.in[m.APIKey] = m
	if m.Event != "settle" {
		return nil
	}
	if m.Charged.IsZero() {
		m.Charged = m.At
	}
	return c.ended(job.AttemptLine{Job: m.Job, Attempt: m.Attempt, At: m.At, APIKey: m.APIKey, Sent: m.Charged, Billed: m.Billed, Refunded: m.Refunded})
}

// result takes a bill that the journal did not know.
func (c *conversion) result(r job.Result) error {
	if r.Charge != nil || r.Billed == 0 {
		return nil
	}
	return c.ended(job.AttemptLine{
		Job: r.Job, Attempt: r.Attempts, At: r.Recorded, APIKey: r.APIKey, Sent: r.Submitted, Billed: r.Billed, Refunded: r.Refunded,
	})
}

func (c *conversion) ended(line job.AttemptLine) error {
	name := digestOf(line.Job, line.Attempt)
	if c.billed[name] {
		return nil
	}
	c.billed[name] = true
	line.Event = job.Ended
	return c.write(line)
}

func (c *conversion) sent(s sentLine) error {
	s.ProviderKeyID = s.Author
	if s.Spec != nil {
		s.Quoted = s.Spec.Quote
	}
	return c.write(s.AttemptLine)
}

func (c *conversion) write(line job.AttemptLine) error {
	line.Project, line.Team = c.in[line.APIKey].Project, c.in[line.APIKey].Team
	text, err := encodeAttempt(&line)
	if err == nil {
		_, err = c.to.Write(text)
	}
	return err
}
