package progress

import (
	"fmt"
	"io"
	"strings"

	"nightshift/internal/text"
)

// measured is how many rows a table looks at before it settles the widths of its
// columns.
const measured = 200

// TableWriter writes a table as a stream: however many rows there are, it holds the
// first few hundred and no more.
type TableWriter struct {
	out    io.Writer
	style  Style
	rows   [][]string // that wait for their widths
	widths []int      // nil until they are settled
}

// NewTable begins a table with this head. Flush must be called.
func NewTable(out io.Writer, style Style, head []string) *TableWriter {
	return &TableWriter{out: Screen(out, style), style: style, rows: [][]string{head}}
}

// Row writes a row. Cells are made harmless for a terminal. The error is the
// writer's.
func (t *TableWriter) Row(cells ...string) error {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = text.CleanWithLinks(cell, text.Any)
	}
	if t.widths != nil {
		return t.write(row, plain)
	}
	if t.rows = append(t.rows, row); len(t.rows) > measured {
		return t.Flush()
	}
	return nil
}

// Flush writes the rows that wait. The error is the writer's.
func (t *TableWriter) Flush() error {
	if t.widths != nil {
		return nil
	}
	t.widths = make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			t.widths[i] = max(t.widths[i], columns(cell))
		}
	}
	for i, row := range t.rows {
		color := plain
		if i == 0 {
			color = faint
		}
		if err := t.write(row, color); err != nil {
			return err
		}
	}
	t.rows = nil
	return nil
}

func (t *TableWriter) write(row []string, color paint) error {
	var line strings.Builder
	used := 0
	for i, cell := range row {
		if i == len(row)-1 {
			if room := t.style.width() - used; t.style.Terminal && room > 0 {
				cell = cut(cell, room)
			}
			line.WriteString(cell)
			break
		}
		gap := max(t.widths[i]-columns(cell), 0) + 2
		line.WriteString(cell + strings.Repeat(" ", gap))
		used += columns(cell) + gap
	}
	text := brush(t.style.Color).paint(color, strings.TrimRight(line.String(), " "))
	if _, err := io.WriteString(t.out, text+"\n"); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}
