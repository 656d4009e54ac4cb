package results

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"nightshift/internal/jsonl"
)

// decodeLines streams what the lines of body say, which begins at m; m moves along
// and stands behind the line that was yielded last. A last line that was cut off is
// left out: its writer was not told that it is there. A line that is not JSON, or
// that check refuses, ends the stream with a [job.HintedError].
func decodeLines[T any](ctx context.Context, name string, body io.Reader, m *jsonl.Mark, check func(T) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		reader := bufio.NewReaderSize(body, 256<<10)
		for {
			line, complete, err := jsonl.ReadLine(reader)
			if err == nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				yield(none, fmt.Errorf("read %s, line %d: %w", name, m.Lines+1, err))
				return
			}
			if !complete {
				return
			}
			value, err := decodeChecked(line, check)
			if err != nil {
				yield(none, jsonl.Damaged(name, m.Lines+1, err, "put back the file as it was, from a copy, or take out this line alone"))
				return
			}
			m.Bytes, m.Lines, m.Last = m.Bytes+int64(len(line))+1, m.Lines+1, append(m.Last[:0], line...)
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
