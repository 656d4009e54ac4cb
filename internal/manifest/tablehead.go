package manifest

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"nightshift/internal/document"
	"nightshift/internal/job"
)

// readTableHeader reads the first row of a table and reports what is wrong in it.
func (d *decoder) readTableHeader(file *dataFile, comma rune) (*tableItems, error) {
	content, err := file.open()
	if err != nil {
		return nil, err
	}
	// Nothing was written, so closing cannot lose anything.
	defer func() { _ = content.Close() }()
	items := &tableItems{file: file, comma: comma}
	reader := newTableReader(file.path, comma, content)
	record, err := reader.record()
	if problem, ok := errors.AsType[*document.Problem](err); ok {
		d.Problems.Add(problem)
		return items, nil
	}
	if errors.Is(err, io.EOF) {
		d.Report(document.Position{}, "start with a row of column names", "the file is empty")
		return items, nil
	}
	if err != nil {
		return nil, err
	}
	d.readColumns(items, reader.cells(make([]column, len(record)), record))
	return items, nil
}

func (d *decoder) readColumns(items *tableItems, row *cells) {
	for i, name := range row.values {
		name = strings.TrimSpace(name)
		at := row.place(i)
		c := column{name: name}
		c.name, c.parameter = strings.CutPrefix(name, parameterPrefix)
		if fault := columnFault(name); fault != "" {
			d.ReportAt(at, "", "%s", fault)
		}
		for _, other := range items.header {
			if other.name == c.name && (other.parameter == c.parameter || c.name == job.SeedInput) {
				d.ReportAt(at, "keep one", "the column %s stands twice", name)
			}
		}
		items.header = append(items.header, c)
	}
	if len(row.values) == 1 && items.comma == ',' && strings.ContainsAny(row.values[0], ";\t") {
		d.ReportAt(row.place(0), "separate the cells by commas, or name a file with tabs .tsv",
			"the header is one column, %s", quoteShort(row.values[0]))
	}
}

// checkModelColumn reports a table without models, which is meant for a manifest
// that has one.
func (d *decoder) checkModelColumn(items *tableItems) {
	if !slices.ContainsFunc(items.header, func(c column) bool { return c.name == "model" && !c.parameter }) {
		d.Report(document.Position{Line: 1, Column: 1},
			"add one, or name the table in items_from of a manifest that has a model", "the table has no column model")
	}
}

func columnFault(name string) string {
	if !utf8.ValidString(name) {
		return "the name of a column is not valid UTF-8"
	}
	inner, isParameter := strings.CutPrefix(name, parameterPrefix)
	switch {
	case name == "":
		return "a column has no name"
	case strings.IndexByte(name, 0) >= 0:
		return "the name of a column holds a NUL character"
	case name == "parameters":
		return "a column holds one parameter; name it " + parameterPrefix + "width, for example"
	case isParameter && inner == "":
		return "the column " + strconv.Quote(name) + " does not say which parameter it holds"
	case isParameter || slices.Contains(itemFields, name):
		return ""
	}
	return variableFault(name)
}
