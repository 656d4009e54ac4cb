package manifest

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"nightshift/internal/document"
	"nightshift/internal/job"
)

// emptyCell leaves everything to the defaults, but an empty variable is one.
func (r *tableReader) emptyCell(c *column) {
	if !c.parameter && !slices.Contains(itemFields, c.name) {
		r.item.variables = append(r.item.variables, variable{name: c.name})
	}
}

func cellFault(cell string) string {
	if !utf8.ValidString(cell) {
		return "is not valid UTF-8"
	}
	return document.TextFault(cell)
}

func (d *decoder) readCell(c *column, n *document.Node, into *layer) {
	switch {
	case c.parameter:
		into.parameters = append(into.parameters, parameter{name: c.name, value: cellValue(n.Text)})
	case c.name == "id":
		into.id = n.Text
	case c.name == "model":
		into.model = n.Text
	case c.name == "prompt":
		into.prompt = n.Text
	case c.name == "output":
		into.output = n.Text
	case c.name == "samples":
		into.samples = d.Whole(n, "samples", 1, maxSamples)
	case c.name == "seed":
		d.readSeed(n, into)
	default:
		into.variables = append(into.variables, variable{name: c.name, text: n.Text})
	}
}

// cellValue is what a cell means as a parameter: a number, true or false, a JSON
// list, group or quoted text, and otherwise the text that it is.
func cellValue(cell string) any {
	trimmed := strings.TrimSpace(cell)
	switch document.PlainKind(trimmed) {
	case document.Number:
		return job.Number(json.Number(trimmed))
	case document.Bool:
		return strings.EqualFold(trimmed, "true")
	}
	if trimmed != "" && strings.IndexByte(`[{"`, trimmed[0]) >= 0 {
		var parser document.JSONReader
		if n, err := parser.Read(trimmed, 1); err == nil {
			return n.Value()
		}
	}
	return cell
}

// cells are one row with the places of its cells.
type cells struct {
	file      string
	header    []column
	values    []string
	positions []int // line and column of each
}

func (r *tableReader) cells(header []column, record []string) *cells {
	c := &cells{file: r.path, header: header, values: append([]string(nil), record...)}
	c.positions = make([]int, 0, 2*len(record))
	for i := range record {
		line, at := r.rows.FieldPos(i)
		c.positions = append(c.positions, line, at)
	}
	return c
}

func (c *cells) line(i int) int { return c.positions[2*i] }

// column counts characters, where the reader of tables counts bytes.
func (c *cells) column(i int) int {
	column := c.positions[2*i+1]
	for before := range i {
		value := c.values[before]
		end := c.line(before) + strings.Count(value, "\n")
		if end != c.line(i) {
			continue
		}
		last := value[strings.LastIndexByte(value, '\n')+1:]
		column -= len(last) - utf8.RuneCountInString(last)
	}
	return column
}

func (c *cells) place(i int) document.Place {
	return document.Place{File: c.file, Line: c.line(i), Column: c.column(i)}
}

func (c *cells) where(name string) (document.Place, bool) {
	i := c.find(name)
	if i < 0 || c.values[i] == "" {
		return document.Place{}, false
	}
	return c.place(i), true
}

func (c *cells) text(parameter string) (string, bool) {
	i := c.find(parameterPrefix + parameter)
	if i < 0 || c.values[i] == "" || !c.header[i].parameter {
		return "", false
	}
	return c.values[i], true
}

// find returns the column of a field; the seed has two names.
func (c *cells) find(name string) int {
	inner, parameter := strings.CutPrefix(name, parameterPrefix)
	for i := range c.header {
		h := &c.header[i]
		if h.name == inner && (h.parameter == parameter || inner == job.SeedInput) {
			return i
		}
	}
	return -1
}
