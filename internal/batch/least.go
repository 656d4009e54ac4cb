package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"nightshift/internal/job"
	"nightshift/internal/text"
)

// leastName is the object that says what the log of attempts knows at the least.
const leastName = "_nightshift/attempts.json"

// Least is what the logs of a batch know at the least. A log of attempts that was deleted,
// or whose end was cut off between two lines, looks like that of a batch of which less was
// sent, and what it lacks would be paid again. The batch's leader writes it when the log
// has begun, and as jobs are sent.
type Least struct {
	Attempts int `json:"attempts"` // that were sent
}

// WriteLeast replaces it.
func WriteLeast(ctx context.Context, b Bucket, batch string, least Least) error {
	data, err := json.Marshal(least)
	if err == nil {
		err = b.Put(ctx, objectKey(batch, leastName), bytes.NewReader(append(data, '\n')))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", objectKey(batch, leastName), err)
	}
	return nil
}

// readLeast returns nil where it was never written.
func readLeast(ctx context.Context, b Bucket, batch string) (*Least, error) {
	key := objectKey(batch, leastName)
	body, err := b.Open(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	defer body.Close() // only read from
	data, err := io.ReadAll(io.LimitReader(body, MaxJSON))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	var said struct{ Attempts *int }
	if err := json.Unmarshal(data, &said); err != nil || said.Attempts == nil || *said.Attempts < 0 {
		return nil, &job.HintedError{
			Err:  fmt.Errorf("%s is %w: it says not how many attempts were sent", key, job.ErrDamaged),
			Hint: "put back the file as it was, from a copy; if nothing of the batch is under way at the provider, delete it",
		}
	}
	return &Least{Attempts: *said.Attempts}, nil
}

// check refuses logs that know less.
func (l *Least) check(f *Fold) error {
	if l == nil || f.begun && f.Attempts() >= l.Attempts {
		return nil
	}
	lacks := "its first line is missing"
	if missing := l.Attempts - f.Attempts(); missing > 0 {
		lacks = "it lacks lines: of " + text.Count(l.Attempts, "attempt") + " that were sent it knows " + text.Number(f.Attempts())
	}
	return &job.HintedError{
		Err: fmt.Errorf("sum up batch %q: %s is %w, %s", f.batch, objectKey(f.batch, attemptsName), job.ErrDamaged, lacks),
		Hint: "put back the file as it was, from a copy. Without it requests that are still under way are not looked for at the provider " +
			"and their jobs may be paid again; if none is under way, move the batch's folder away",
	}
}
