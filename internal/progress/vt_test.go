package progress

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/mattn/go-runewidth"
)

// vt is a terminal without an end below: it obeys what the live view uses, breaks
// long lines, and breaks them anew when it becomes narrower, as most terminals do.
type vt struct {
	mu      sync.Mutex
	width   int
	rows    [][]string // what stands in each column; "" behind a wide character
	line    int
	column  int
	strange []string // controls and sequences that the view has no business to send
}

func newVT(width int) *vt { return &vt{width: width, rows: [][]string{nil}} }

var sequence = regexp.MustCompile("^\x1b\\[([0-9;]*)([A-Za-z])")

func (v *vt) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for text := string(p); text != ""; {
		if m := sequence.FindStringSubmatch(text); m != nil {
			n, _ := strconv.Atoi(m[1])
			v.obey(m[2], n)
			text = text[len(m[0]):]
			continue
		}
		r := []rune(text[:min(len(text), 4)])[0]
		v.put(r)
		text = text[len(string(r)):]
	}
	return len(p), nil
}

func (v *vt) obey(command string, n int) {
	switch command {
	case "A":
		v.line = max(0, v.line-max(n, 1))
	case "B":
		v.down(max(n, 1))
	case "K":
		v.erase()
	case "J":
		v.erase()
		v.rows = v.rows[:v.line+1]
	case "m":
	default:
		v.strange = append(v.strange, fmt.Sprintf("sequence %q", command))
	}
}

func (v *vt) put(r rune) {
	wide := runewidth.RuneWidth(r)
	switch {
	case r == '\n':
		v.down(1)
		v.column = 0
		return
	case r == '\r':
		v.column = 0
		return
	case r < ' ':
		v.strange = append(v.strange, fmt.Sprintf("control %q", r))
		return
	case v.column+wide > v.width:
		v.down(1)
		v.column = 0
	}
	row := v.rows[v.line]
	for len(row) < v.column+wide {
		row = append(row, " ")
	}
	row[v.column] = string(r)
	for i := 1; i < wide; i++ {
		row[v.column+i] = ""
	}
	v.rows[v.line] = row
	v.column += wide
}

func (v *vt) erase() {
	v.rows[v.line] = v.rows[v.line][:min(v.column, len(v.rows[v.line]))]
}

func (v *vt) down(n int) {
	for v.line += n; v.line >= len(v.rows); {
		v.rows = append(v.rows, nil)
	}
}

// resize keeps the cursor where it is in the text.
func (v *vt) resize(width int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var rows [][]string
	line := 0
	for i, row := range v.rows {
		if i == v.line {
			line = len(rows)
		}
		for len(row) > width {
			rows, row = append(rows, row[:width:width]), row[width:]
		}
		rows = append(rows, row)
	}
	v.rows, v.line, v.width = rows, line, width
}

func (v *vt) columns() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.width
}

// text is the screen with blanks and empty lines at the ends cut off.
func (v *vt) text() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var text strings.Builder
	for _, row := range v.rows {
		text.WriteString(strings.TrimRight(strings.Join(row, ""), " ") + "\n")
	}
	return strings.TrimRight(text.String(), "\n") + "\n"
}
