package main

import (
	"fmt"
	"slices"
	"strings"
)

// line is one line of the table.
type line struct {
	Row      string // which measurement it comes from
	What     string
	Target   string
	Measured string
	Plain    string // of the plain client; empty where there is no comparison
	Verdict  verdict
}

type verdict string

const (
	reached     verdict = "reached"
	missed      verdict = "missed"
	notMeasured verdict = "not measured"
)

// verdictOf is reached where the target is.
func verdictOf(ok bool) verdict {
	if ok {
		return reached
	}
	return missed
}

var heading = []string{"Row", "What", "Target", "Measured", "Plain client", "Verdict"}

// table renders lines as a table of Markdown.
func table(lines []line) string {
	var b strings.Builder
	write := func(cells ...string) {
		for i, cell := range cells {
			if cell == "" {
				cells[i] = "–"
			}
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	write(heading...)
	write(slices.Repeat([]string{"---"}, len(heading))...)
	for _, l := range lines {
		write(l.Row, l.What, l.Target, l.Measured, l.Plain, string(l.Verdict))
	}
	return b.String()
}

// parseTable reads the lines of a table that [table] rendered; other text around it
// is passed over.
func parseTable(text string) []line {
	var lines []line
	for raw := range strings.Lines(text) {
		inner, ok := strings.CutPrefix(strings.TrimSpace(raw), "| ")
		if !ok {
			continue
		}
		cells := strings.Split(strings.TrimSuffix(inner, " |"), " | ")
		if len(cells) != len(heading) || cells[0] == heading[0] || cells[0] == "---" {
			continue
		}
		for i, cell := range cells {
			if cell == "–" {
				cells[i] = ""
			}
		}
		lines = append(lines, line{cells[0], cells[1], cells[2], cells[3], cells[4], verdict(cells[5])})
	}
	return lines
}

// merge puts measured lines in the place of earlier ones of the same rows, in the
// order of the rows.
func merge(earlier, measured []line) []line {
	var merged []line
	for _, name := range rowNames() {
		of := func(l line) bool { return l.Row != name }
		now := slices.DeleteFunc(slices.Clone(measured), of)
		if len(now) == 0 {
			now = slices.DeleteFunc(slices.Clone(earlier), of)
		}
		merged = append(merged, now...)
	}
	return merged
}
