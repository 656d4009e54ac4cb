package progress

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/acarl005/stripansi"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"nightshift/internal/job"
)

// terminal keeps a live view at the foot of a terminal, below what is printed
// meanwhile. mpb moves the cursor and keeps both apart; frame says what is drawn.
type terminal struct {
	out     io.Writer
	screen  *screen
	brush   brush
	view    *mpb.Progress
	bar     *mpb.Bar
	refresh chan any

	drawn   []string // the frame that was last handed to mpb
	columns int      // of the terminal then
	printed bool     // something was printed since

	current atomic.Pointer[[]string] // drawn, for mpb's goroutine
	drawing []string                 // what that is drawing
}

// muchWidth keeps mpb from cutting lines; frame fits them to the terminal as it is.
const muchWidth = 1 << 12

// newTerminal starts a view on out, whose size can be asked at any time.
func newTerminal(out io.Writer, s Style, size func() (columns, rows int)) *terminal {
	t := &terminal{
		out: out, brush: brush(s.Color), refresh: make(chan any),
		screen: &screen{out: out, size: size},
	}
	t.view = mpb.New(mpb.WithOutput(t.screen), mpb.WithManualRefresh(t.refresh), mpb.WithWidth(muchWidth))
	t.current.Store(&[]string{""})
	t.bar = t.view.MustAdd(0, mpb.BarFillerFunc(t.head), mpb.BarFillerTrim(), mpb.BarExtender(mpb.BarFillerFunc(t.tail), false))
	return t
}

func (t *terminal) show(m moment, last bool) {
	columns, rows := t.screen.size()
	lines := frame(&m, columns, rows, t.brush, last)
	if slices.Equal(lines, t.drawn) && !t.printed && columns == t.columns {
		return
	}
	t.drawn, t.printed, t.columns = lines, false, columns
	t.current.Store(&lines)
	t.refresh <- m.now
}

func (t *terminal) stored(now time.Time, r *job.Result) {
	if r.State != job.Failed {
		return
	}
	clock := now.Local().Format(time.TimeOnly) + " "
	columns, _ := t.screen.size()
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
	columns, _ := t.screen.size()
	for line := range strings.SplitSeq(text, "\n") {
		t.print(strings.Join(wrap(line, max(columns-1, leastText), 0), "\n"))
	}
}

// print writes lines above the view with the next frame, or at once when the view
// is no more.
func (t *terminal) print(text string) {
	t.printed = true
	if _, err := io.WriteString(t.view, text+"\n"); err != nil {
		fmt.Fprintln(t.out, text)
	}
}

// close waits for mpb's goroutines. The last frame stays where it is.
func (t *terminal) close() {
	t.bar.Abort(false)
	t.view.Wait()
}

// head and tail are called by mpb, one after the other, for each frame.
func (t *terminal) head(w io.Writer, _ decor.Statistics) error {
	t.drawing = *t.current.Load()
	t.screen.next = widths(t.drawing)
	_, err := io.WriteString(w, t.drawing[0])
	return err
}

func (t *terminal) tail(w io.Writer, _ decor.Statistics) error {
	for _, line := range t.drawing[1:] {
		if _, err := io.WriteString(w, line+"\n"); err != nil {
			return err
		}
	}
	return nil
}

func widths(lines []string) []int {
	all := make([]int, len(lines))
	for i, line := range lines {
		all[i] = columns(stripansi.Strip(line))
	}
	return all
}
