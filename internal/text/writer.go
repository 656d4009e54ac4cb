package text

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// CleanWriter lets nothing through that a terminal obeys or hides: escape sequences,
// controls, marks that turn the direction of writing. A program writes everything
// through one that may hold a text from outside. Lines, blanks and tabs stay. Several
// goroutines may use it.
type CleanWriter struct {
	out  io.Writer
	mu   sync.Mutex
	held []byte // the start of a character whose rest is still to come
}

// NewCleanWriter returns one that writes to out.
func NewCleanWriter(out io.Writer) *CleanWriter { return &CleanWriter{out: out} }

// Below is the writer below one that cleans what goes to it, for who draws on a terminal
// and cleans the texts itself; out where nothing is cleaned.
func Below(out io.Writer) io.Writer {
	if w, cleans := out.(*CleanWriter); cleans {
		return w.out
	}
	return out
}

// Write returns the error of the writer below.
func (w *CleanWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	content := append(w.held, p...)
	whole := wholeCharacters(content)
	w.held = bytes.Clone(content[whole:])
	lines := strings.Split(string(content[:whole]), "\n")
	for i, line := range lines {
		lines[i] = visible(line)
	}
	if _, err := io.WriteString(w.out, strings.Join(lines, "\n")); err != nil {
		return 0, err
	}
	return len(p), nil
}

// wholeCharacters is how many bytes there are before a character that is cut off.
func wholeCharacters(content []byte) int {
	for back := 1; back < utf8.UTFMax && back <= len(content); back++ {
		if start := len(content) - back; utf8.RuneStart(content[start]) {
			if !utf8.FullRune(content[start:]) {
				return start
			}
			break
		}
	}
	return len(content)
}

// visible is what of a line can be seen, its white space as it stands.
func visible(line string) string {
	clean := true
	for i := 0; i < len(line) && clean; i++ {
		clean = line[i] >= ' ' && line[i] < 0x7f || line[i] == '\t'
	}
	if clean {
		return line
	}
	line = sequences.ReplaceAllString(strings.ToValidUTF8(line, string(unicode.ReplacementChar)), "")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t', unicode.IsPrint(r), r == joiner:
			return r
		case unicode.IsSpace(r) && r != '\r':
			return ' '
		}
		return -1
	}, line)
}
