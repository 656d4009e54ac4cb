package plan

import (
	"fmt"
	"math"
	"strings"

	"github.com/mattn/go-runewidth"
)

// rightMargin is how many columns of a terminal stay free.
const rightMargin = 2

// lineWidth is the longest line for a terminal of so many columns; 0 has no end.
func lineWidth(columns int) int {
	if columns <= 0 {
		return math.MaxInt
	}
	return max(columns-rightMargin, 1)
}

// table gathers lines of text.
type table struct {
	strings.Builder
	width int // of the longest line
}

func (t *table) line(format string, args ...any) {
	t.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

// wrap writes words into indented lines of the table's width.
func (t *table) wrap(text string) {
	const indent = "  "
	line := indent
	for word := range strings.FieldsSeq(text) {
		if line != indent && runewidth.StringWidth(line)+1+runewidth.StringWidth(word) > t.width {
			t.line("%s", line)
			line = indent + "  "
		} else if line != indent {
			line += " "
		}
		line += word
	}
	t.line("%s", line)
}

// columns writes rows in columns: the first ones (text) to the left, numbers to
// the right. Text gives way where a line is too long.
func (t *table) columns(rows [][]string, texts int) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], runewidth.StringWidth(cell))
		}
	}
	t.fit(widths, texts)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			if i < texts {
				cells[i] = runewidth.FillRight(runewidth.Truncate(cell, widths[i], "…"), widths[i])
			} else {
				cells[i] = runewidth.FillLeft(cell, widths[i])
			}
		}
		t.line("  %s", strings.Join(cells, "  "))
	}
}

// fit takes from the widest text column until a line has the table's width.
func (t *table) fit(widths []int, texts int) {
	const least = 8
	total := 2 * len(widths)
	for _, width := range widths {
		total += width
	}
	for ; total > t.width; total-- {
		widest := 0
		for i := range texts {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= least {
			return
		}
		widths[widest]--
	}
}
