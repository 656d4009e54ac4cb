package jsonl

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"

	"nightshift/internal/job"
)

// maxLine is more than any result needs (prompts are at most some ten thousand
// characters), and keeps a file that is no log from filling the memory.
const maxLine = 16 << 20

var errLineTooLong = fmt.Errorf("longer than %d MiB", maxLine>>20)

// Opener opens objects.
type Opener interface {
	// Open reads the object from its start. The error matches fs.ErrNotExist
	// where there is none.
	Open(ctx context.Context, objectKey string) (io.ReadCloser, error)
}

// Kind is how the lines of a kind of file are read.
type Kind[T any] struct {
	// Start begins every line. It cannot stand inside a text, where quotes are
	// escaped, but it can begin an object within the line.
	Start  string
	Decode func(line []byte) (T, error)
	Hint   string // what to do about a line that cannot be read
}

// Line is what a line says and how it says it. The text has no newline and is
// valid until the next line is read.
type Line[T any] struct {
	Value T
	Text  []byte
}

// ReadObject streams the lines of an object like [Kind.Read]; one that was never
// written has none.
func (k Kind[T]) ReadObject(ctx context.Context, b Opener, objectKey string) iter.Seq2[Line[T], error] {
	return func(yield func(Line[T], error) bool) {
		body, err := b.Open(ctx, objectKey)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(Line[T]{}, fmt.Errorf("read %s: %w", objectKey, err))
			return
		}
		defer body.Close()
		for line, err := range k.Read(ctx, objectKey, body, new(Mark)) {
			if !yield(line, err) || err != nil {
				return
			}
		}
	}
}

// Read streams the lines of body, which stands at m; name is for messages. m moves along
// and stands behind the line that was yielded last, unless that has no end yet. A last
// line that was cut off is left out; any other that cannot be read ends the stream with
// a [job.HintedError].
func (k Kind[T]) Read(ctx context.Context, name string, body io.Reader, m *Mark) iter.Seq2[Line[T], error] {
	return func(yield func(Line[T], error) bool) {
		reader := bufio.NewReaderSize(body, 64<<10)
		for {
			line, complete, err := ReadLine(reader)
			if err == nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				yield(Line[T]{}, fmt.Errorf("read %s, line %d: %w", name, m.Lines+1, err))
				return
			}
			found, err := k.DecodeLine(line)
			switch {
			case err != nil && complete:
				yield(Line[T]{}, Damaged(name, m.Lines+1, err, k.Hint))
				return
			case err != nil: // cut off at the end; its writer was told so or is gone
				return
			}
			if complete {
				m.advance(line)
			}
			for _, each := range found {
				if !yield(each, nil) {
					return
				}
			}
			if !complete {
				return
			}
		}
	}
}

// Damaged says that a line cannot be read. The error wraps [job.ErrDamaged].
func Damaged(name string, number int, err error, hint string) error {
	return &job.HintedError{Err: fmt.Errorf("read %s, line %d: %w: %w", name, number, job.ErrDamaged, err), Hint: hint}
}

// ReadLine returns the next line without its newline; complete is false for what
// stands behind the last newline. The line is valid until the next call.
func ReadLine(reader *bufio.Reader) (line []byte, complete bool, err error) {
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

// DecodeLine returns what one line says: one thing, none for an empty line, or what
// can be read of a line into which a torn write was glued.
func (k Kind[T]) DecodeLine(line []byte) ([]Line[T], error) {
	if len(bytes.TrimSpace(line)) == 0 {
		return nil, nil
	}
	value, err := k.Decode(line)
	if err == nil {
		return []Line[T]{{value, line}}, nil
	}
	if rest, ok := k.unglue(line); ok {
		return rest, nil
	}
	return nil, err
}

// unglue reads a line that is a cut-off line with the next one right behind it:
// a full disk or a lost power supply leaves the first half of a write, and the
// next append goes on from there. The half is lost (its writer got an error, or
// is gone and its job is looked up again); ok is false unless the line ends with
// something whole.
func (k Kind[T]) unglue(line []byte) (found []Line[T], ok bool) {
	for start := 0; start < len(line); {
		if whole, err := k.leading(line[start:]); err == nil {
			found, start, ok = append(found, whole), start+len(whole.Text), true
			continue
		}
		ok = false
		next := bytes.Index(line[start+1:], []byte(k.Start))
		if next < 0 {
			break
		}
		start += 1 + next
	}
	return found, ok
}

var errWithin = errors.New("a part of something larger")

// leading reads what text begins with. It returns an error unless that is followed
// by the next or by nothing: else it is a part of something larger.
func (k Kind[T]) leading(text []byte) (Line[T], error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	var first json.RawMessage
	if err := decoder.Decode(&first); err != nil {
		return Line[T]{}, err
	}
	if rest := text[decoder.InputOffset():]; len(rest) > 0 && !bytes.HasPrefix(rest, []byte(k.Start)) {
		return Line[T]{}, errWithin
	}
	value, err := k.Decode(first)
	return Line[T]{value, text[:decoder.InputOffset()]}, err
}
