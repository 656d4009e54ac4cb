package jsonl

import (
	"bytes"
	"errors"
	"io"
)

// Mark is a place between two lines of an object that only grows. The zero value is its
// start.
type Mark struct {
	Bytes int64  // before it
	Lines int    // before it
	Last  []byte // the line before it, without its end
}

func (m *Mark) advance(line []byte) {
	m.Bytes, m.Lines, m.Last = m.Bytes+int64(len(line))+1, m.Lines+1, append(m.Last[:0], line...)
}

// Skip moves body, which stands at its start, to the mark, and reports whether the
// mark is one of this object: whether the line before it is there. Where body can seek,
// it does not read what is before.
func (m *Mark) Skip(body io.Reader) (bool, error) {
	const end = "\n"
	tail := make([]byte, len(m.Last)+len(end))
	before := m.Bytes - int64(len(tail))
	if before < 0 {
		return m.Bytes == 0, nil
	}
	if err := Forward(body, before); err != nil {
		return false, IgnoreEnd(err)
	}
	if _, err := io.ReadFull(body, tail); err != nil {
		return false, IgnoreEnd(err)
	}
	line, found := bytes.CutSuffix(tail, []byte(end))
	return found && bytes.Equal(line, m.Last), nil
}

// Forward moves body on by so many bytes, without reading them where it can seek.
func Forward(body io.Reader, count int64) error {
	if seeker, ok := body.(io.Seeker); ok {
		_, err := seeker.Seek(count, io.SeekStart)
		return err
	}
	_, err := io.CopyN(io.Discard, body, count)
	return err
}

// IgnoreEnd returns nil for the end of an object that is shorter than it was.
func IgnoreEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
