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
	if c.variable() {
		r.item.variables = append(r.item.variables, variable{name: c.name})
	}
}

func cellFault(cell string) string {
	if !utf8.ValidString(cell) {
		return notUTF8
	}
	return document.TextFault(cell)
}

func (d *decoder) readCell(c *column, n *document.Node, into *layer) {
	switch {
	case c.image:
		into.images = append(into.images, imageCell(c.name, n.Text))
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
	case c.name == needsName:
		d.readNeeds(&document.Node{Kind: document.Text, Text: n.Text, Position: n.Position}, into)
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
	header    *header
	values    []string
	positions []int // line and column of each, in bytes
	counted   bool  // positions are in characters already
}

func (r *tableReader) cells(header *header, record []string) *cells {
	c := &cells{file: r.path, header: header, values: slices.Clone(record)}
	c.positions = make([]int, 0, 2*len(record))
	for i := range record {
		line, at := r.rows.FieldPos(i)
		c.positions = append(c.positions, line, at)
	}
	return c
}

// count turns columns from bytes, as the reader of tables has them, into characters.
// It is one walk for all cells of a row, and for most rows nobody asks.
func (c *cells) count() {
	if c.counted {
		return
	}
	c.counted = true
	line, more := 0, 0 // bytes beyond one a character, of the cells before in the same line
	for i := range len(c.positions) / 2 {
		value := c.values[i]
		if c.positions[2*i] != line {
			line, more = c.positions[2*i], 0
		}
		c.positions[2*i+1] -= more
		if newline := strings.LastIndexByte(value, '\n'); newline >= 0 {
			line += strings.Count(value, "\n")
			value, more = value[newline+1:], 0
		}
		more += len(value) - utf8.RuneCountInString(value)
	}
}

func (c *cells) place(i int) document.Place {
	c.count()
	return document.Place{File: c.file, Line: c.positions[2*i], Column: c.positions[2*i+1]}
}

func (c *cells) position(i int) document.Position {
	at := c.place(i)
	return document.Position{Line: int32(at.Line), Column: int32(at.Column)}
}

func (c *cells) where(name string) (document.Place, bool) {
	i := c.header.find(name)
	if i < 0 || c.values[i] == "" {
		return document.Place{}, false
	}
	return c.place(i), true
}

func (c *cells) text(parameter string) (string, bool) {
	i := c.header.find(parameterPrefix + parameter)
	if i < 0 || c.values[i] == "" || !c.header.columns[i].parameter {
		return "", false
	}
	return c.values[i], true
}
