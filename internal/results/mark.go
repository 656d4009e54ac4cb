package results

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// mark is a place between two lines of a file that only grows.
type mark struct {
	bytes int64  // before it
	lines int    // before it
	last  []byte // the line before it, without its end
}

// decodeLines streams what the lines of body say, which begins at m; m moves along
// and stands behind the line that was yielded last. A last line that was cut off is
// left out: its writer was not told that it is there. A line that is not JSON, or
// that check refuses, ends the stream with a [job.HintedError].
func decodeLines[T any](ctx context.Context, name string, body io.Reader, m *mark, check func(T) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		reader := bufio.NewReaderSize(body, 256<<10)
		for {
			line, complete, err := readLine(reader)
			if err == nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				yield(none, fmt.Errorf("read %s, line %d: %w", name, m.lines+1, err))
				return
			}
			if !complete {
				return
			}
			value, err := decodeChecked(line, check)
			if err != nil {
				yield(none, damaged(name, m.lines+1, err, "put back the file as it was, from a copy, or take out this line alone"))
				return
			}
			m.bytes, m.lines, m.last = m.bytes+int64(len(line))+1, m.lines+1, append(m.last[:0], line...)
			if !yield(value, nil) {
				return
			}
		}
	}
}

func decodeChecked[T any](line []byte, check func(T) error) (T, error) {
	var value T
	if err := json.Unmarshal(line, &value); err != nil {
		return value, err
	}
	return value, check(value)
}

// skip moves body, which stands at its start, to the mark, and reports whether the
// mark is one of this file. Where body can seek, it does not read what is before.
func (m *mark) skip(body io.Reader) (bool, error) {
	const end = "\n"
	tail := make([]byte, len(m.last)+len(end))
	before := m.bytes - int64(len(tail))
	if before < 0 {
		return m.bytes == 0, nil
	}
	if err := forward(body, before); err != nil {
		return false, ignoreEnd(err)
	}
	if _, err := io.ReadFull(body, tail); err != nil {
		return false, ignoreEnd(err)
	}
	line, found := bytes.CutSuffix(tail, []byte(end))
	return found && bytes.Equal(line, m.last), nil
}

func forward(body io.Reader, count int64) error {
	if seeker, ok := body.(io.Seeker); ok {
		_, err := seeker.Seek(count, io.SeekStart)
		return err
	}
	_, err := io.CopyN(io.Discard, body, count)
	return err
}

// ignoreEnd returns nil for the end of a file that is shorter than it was.
func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
