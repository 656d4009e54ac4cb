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

	"nightshift/internal/job"
)

// maxLine is more than any result needs (prompts are at most some ten thousand
// characters), and keeps a file that is no log from filling the memory.
const maxLine = 16 << 20

var (
	errLineTooLong = fmt.Errorf("longer than %d MiB", maxLine>>20)
	errNotAResult  = errors.New("not a result of a job")
)

// readLines streams the results of a log. name is for messages.
func readLines(ctx context.Context, name string, body io.Reader) iter.Seq2[job.Result, error] {
	return func(yield func(job.Result, error) bool) {
		reader := bufio.NewReaderSize(body, 256<<10)
		for number := 1; ; number++ {
			line, complete, err := readLine(reader)
			if err == nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				yield(job.Result{}, fmt.Errorf("read %s, line %d: %w", name, number, err))
				return
			}
			results, err := decodeLine(line)
			switch {
			case err != nil && complete:
				yield(job.Result{}, fmt.Errorf("read %s, line %d: %w", name, number, err))
				return
			case err != nil: // cut off at the end; its writer was told so or is gone
				return
			}
			for _, result := range results {
				if !yield(result, nil) {
					return
				}
			}
			if !complete {
				return
			}
		}
	}
}

// readLine returns the next line without its newline; complete is false for what
// stands behind the last newline. The line is valid until the next call.
func readLine(reader *bufio.Reader) (line []byte, complete bool, err error) {
	piece, err := reader.ReadSlice('\n')
	if err == nil {
		return piece[:len(piece)-1], true, nil
	}
	line = bytes.Clone(piece)
	for errors.Is(err, bufio.ErrBufferFull) {
		if len(line) > maxLine {
			return nil, false, errLineTooLong
		}
		piece, err = reader.ReadSlice('\n')
		line = append(line, piece...)
	}
	switch {
	case err == nil:
		return line[:len(line)-1], true, nil
	case errors.Is(err, io.EOF):
		return line, false, nil
	default:
		return nil, false, err
	}
}

// decodeLine returns the results of one line: one, none for an empty line, or
// what can be read of a line into which a torn write was glued.
func decodeLine(line []byte) ([]job.Result, error) {
	if len(bytes.TrimSpace(line)) == 0 {
		return nil, nil
	}
	result, err := decodeResult(line)
	if err == nil {
		return []job.Result{result}, nil
	}
	if rest, ok := unglue(line); ok {
		return rest, nil
	}
	return nil, err
}

func decodeResult(data []byte) (job.Result, error) {
	var result job.Result
	if err := json.Unmarshal(data, &result); err != nil {
		return job.Result{}, fmt.Errorf("%w: %w", errNotAResult, err)
	}
	if result.Job == "" || !result.State.Final() {
		return job.Result{}, errNotAResult
	}
	return result, nil
}

// lineStart begins every line. It cannot stand inside a text, where quotes are
// escaped, but it can begin an object within the line.
var lineStart = []byte(`{"job":"`)

// unglue reads a line that is a cut-off line with the next one right behind it:
// a full disk or a lost power supply leaves the first half of a write, and the
// next append goes on from there. The half is lost (its writer got an error, or
// is gone and its job is looked up again); ok is false unless the line ends with
// a whole result.
func unglue(line []byte) (results []job.Result, ok bool) {
	for start := 0; start < len(line); {
		if whole, end, err := leading(line, start); err == nil {
			results, start, ok = append(results, whole), end, true
			continue
		}
		ok = false
		next := bytes.Index(line[start+1:], lineStart)
		if next < 0 {
			break
		}
		start += 1 + next
	}
	return results, ok
}

// leading reads the result that begins at start. It returns an error unless the
// result is followed by the next or by nothing: else it is a part of something
// larger.
func leading(line []byte, start int) (r job.Result, end int, err error) {
	decoder := json.NewDecoder(bytes.NewReader(line[start:]))
	var text json.RawMessage
	if err := decoder.Decode(&text); err != nil {
		return r, 0, err
	}
	end = start + int(decoder.InputOffset())
	if end < len(line) && !bytes.HasPrefix(line[end:], lineStart) {
		return r, 0, errNotAResult
	}
	r, err = decodeResult(text)
	return r, end, err
}
