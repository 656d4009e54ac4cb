package manifest

import (
	"errors"
	"io"
	"iter"
	"slices"
)

// tableItems are the rows of a CSV or TSV file.
type tableItems struct {
	file   *dataFile
	comma  rune
	header []column
}

// column is one column of a table by its header.
type column struct {
	name      string // the header, or the parameter's name
	parameter bool
}

// variables are the columns that are neither fields nor parameters.
func (s *tableItems) variables() ([]string, bool) {
	var names []string
	for _, c := range s.header {
		if !c.parameter && !slices.Contains(itemFields, c.name) {
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
		if _, err := reader.record(); err != nil {
			yield(nil, err)
			return
		}
		for {
			item, err := reader.next(s.header)
			if errors.Is(err, io.EOF) || !yield(item, err) || reader.broken {
				return
			}
		}
	}
}
