package manifest

import (
	"errors"
	"io"
	"iter"
	"slices"

	"nightshift/internal/job"
)

// tableItems are the rows of a CSV or TSV file.
type tableItems struct {
	file   *dataFile
	comma  rune
	header header
}

// needs reports whether the table has the column.
func (s *tableItems) needs() (bool, error) { return s.header.find(needsName) >= 0, nil }

// header are the columns of a table, and where each is by its name.
type header struct {
	columns []column
	index   map[string]int
}

// add appends a column and reports whether it is the first of its name.
func (h *header) add(c column) bool {
	h.columns = append(h.columns, c)
	if c.name == "" {
		return true
	}
	if h.index == nil {
		h.index = make(map[string]int)
	}
	for _, name := range c.names() {
		if _, taken := h.index[name]; taken {
			return false
		}
	}
	for _, name := range c.names() {
		h.index[name] = len(h.columns) - 1
	}
	return true
}

// find returns the column of a field, "parameters.x" included, or -1.
func (h *header) find(field string) int {
	if at, found := h.index[field]; found {
		return at
	}
	return -1
}

// column is one column of a table by its header.
type column struct {
	name      string // the header, or the parameter's name; "" of an empty column at the end
	parameter bool
	image     bool // holds a picture for an input
}

// variable reports whether the column is neither a field nor an input.
func (c *column) variable() bool {
	return c.name != "" && !c.parameter && !c.image && (c.name == imagesField || !slices.Contains(itemFields, c.name))
}

// names are those by which rows ask for the column; the seed has two.
func (c column) names() []string {
	switch {
	case c.name == job.SeedInput:
		return []string{c.name, parameterPrefix + c.name}
	case c.parameter:
		return []string{parameterPrefix + c.name}
	case c.image:
		return []string{imagePrefix + c.name}
	default:
		return []string{c.name}
	}
}

// variables are the columns that are neither fields nor parameters.
func (s *tableItems) variables() ([]string, bool) {
	var names []string
	for _, c := range s.header.columns {
		if c.variable() {
			names = append(names, c.name)
		}
	}
	return names, true
}

func (s *tableItems) all() iter.Seq2[*layer, error] {
	return func(yield func(*layer, error) bool) {
		file, err := s.file.open()
		if err != nil {
			yield(nil, err)
			return
		}
		// Nothing was written, so closing cannot lose anything.
		defer func() { _ = file.Close() }()
		reader := newTableReader(s.file.path, s.comma, file)
		if _, err := reader.header(); err != nil {
			yield(nil, err)
			return
		}
		for {
			item, err := reader.next(&s.header)
			if errors.Is(err, io.EOF) || !yield(item, err) || reader.broken {
				return
			}
		}
	}
}
