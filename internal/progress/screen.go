package progress

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// sizeOf returns the columns and rows of the terminal behind out, as they are now.
// Where it cannot be asked, the columns are as the style says and the rows are 0:
// not known.
func sizeOf(out io.Writer, s Style) func() (columns, rows int) {
	file, ok := out.(*os.File)
	return func() (int, int) {
		if ok {
			if columns, rows, err := term.GetSize(int(file.Fd())); err == nil && columns > 0 {
				return columns, rows
			}
		}
		return s.width(), 0
	}
}

// screen stands between the terminal and mpb, which draws each frame over the one
// before by moving up as many lines as that had and erasing what is below. It sets
// three things right. A terminal shows a Ctrl-C as two characters where the cursor
// stands, so the way up begins at the margin. A terminal that becomes narrower breaks the lines that no
// longer fit into several, so mpb would move up too little. And some terminals keep
// a copy of what is erased from the very top of the screen, so the first line is
// erased apart from the others.
//
// mpb fills the frame and calls Write one after the other, never at once.
type screen struct {
	out   io.Writer
	size  func() (columns, rows int)
	next  []int // widths of the lines of the frame that is being made
	last  int   // lines of the one before, as mpb knows it
	shown []int // widths of those on the terminal; frames can be lost on the way
}

// Write passes on one frame: the way up, but for the first, and text. It never
// returns an error, since mpb would stop for one and the run does not.
func (s *screen) Write(frame []byte) (int, error) {
	text, up := bytes.CutPrefix(frame, fmt.Appendf(nil, "\x1b[%dA\x1b[J", s.last))
	if up {
		text = fmt.Appendf(nil, "\r\x1b[%dA\x1b[K\x1b[B\x1b[J\x1b[A%s", s.height(), text)
	}
	if _, err := s.out.Write(text); err == nil {
		s.shown = s.next
	}
	s.last = len(s.next)
	return len(frame), nil
}

// height is how many rows the shown frame takes on the terminal as it is now.
func (s *screen) height() int {
	columns, _ := s.size()
	rows := 0
	for _, width := range s.shown {
		rows += max(1, (width+columns-1)/columns)
	}
	return rows
}
