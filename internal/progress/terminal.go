package progress

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/acarl005/stripansi"
	"golang.org/x/term"

	"nightshift/internal/job"
	"nightshift/internal/text"
)

// terminal keeps a live view at the foot of a terminal, below what is printed
// meanwhile; frame says what is drawn. Each frame is drawn over the one before.
type terminal struct {
	out   io.Writer
	size  func() (columns, rows int)
	brush brush

	drawn   []string        // the frame that was drawn last
	columns int             // of the terminal then
	printed strings.Builder // goes above the next frame
	shown   []int           // widths of the lines on the terminal; frames can be lost on the way
	closed  bool
}

// newTerminal starts a view on out, whose size can be asked at any time.
func newTerminal(out io.Writer, s Style, size func() (columns, rows int)) *terminal {
	return &terminal{out: out, size: size, brush: brush(s.Color)}
}

// sizeOf returns the columns and rows of the terminal behind out, as they are now.
// Where it cannot be asked, the columns are as the style says and the rows are 0:
// not known.
func sizeOf(out io.Writer, s Style) func() (columns, rows int) {
	file, ok := text.Below(out).(*os.File)
	return func() (int, int) {
		if ok {
			if columns, rows, err := term.GetSize(int(file.Fd())); err == nil && columns > 0 {
				return columns, rows
			}
		}
		return s.width(), 0
	}
}

func (t *terminal) show(m moment, last bool) {
	columns, rows := t.size()
	lines := frame(&m, columns, rows, t.brush, last)
	if slices.Equal(lines, t.drawn) && t.printed.Len() == 0 && columns == t.columns {
		return
	}
	text := t.above(columns) + t.printed.String() + strings.Join(lines, "\n") + "\n"
	t.drawn, t.columns = lines, columns
	t.printed.Reset()
	if _, err := io.WriteString(t.out, text); err == nil {
		t.shown = widths(lines)
	}
}

// above moves to the first line of the shown frame and erases from there. A terminal
// shows a Ctrl-C as two characters where the cursor stands, so the way up begins at
// the margin. One that has become narrower has broken lines that no longer fit into
// several. And some keep a copy of what is erased from the very top of the screen, so
// the first line is erased apart from the others.
func (t *terminal) above(columns int) string {
	rows := 0
	for _, width := range t.shown {
		rows += max(1, (width+columns-1)/columns)
	}
	if rows == 0 {
		return ""
	}
	return fmt.Sprintf("\r\x1b[%dA\x1b[K\x1b[B\x1b[J\x1b[A", rows)
}

func (t *terminal) stored(now time.Time, r *job.Result) {
	if r.State != job.Failed {
		return
	}
	clock := now.Local().Format(time.TimeOnly) + " "
	columns, _ := t.size()
	indent := len(clock)
	if columns < narrow {
		indent = 2
	}
	lines := wrap(clock+failedMark+" "+failure(r), max(columns-1-indent, leastText), 0)
	rest := strings.TrimPrefix(lines[0], clock+failedMark)
	lines[0] = t.brush.paint(faint, clock) + t.brush.paint(red, failedMark) + rest
	t.print(strings.Join(lines, "\n"+strings.Repeat(" ", indent)))
}

func (t *terminal) message(_ time.Time, text string) {
	columns, _ := t.size()
	for line := range strings.SplitSeq(text, "\n") {
		t.print(strings.Join(wrap(line, max(columns-1, leastText), 0), "\n"))
	}
}

// print writes lines above the view with the next frame, or at once when the view
// is no more.
func (t *terminal) print(text string) {
	if t.closed {
		fmt.Fprintln(t.out, text)
		return
	}
	t.printed.WriteString(text + "\n")
}

// close leaves the last frame where it is.
func (t *terminal) close() { t.closed = true }

func widths(lines []string) []int {
	all := make([]int, len(lines))
	for i, line := range lines {
		all[i] = columns(stripansi.Strip(line))
	}
	return all
}
