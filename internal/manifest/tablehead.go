package manifest

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"nightshift/internal/document"
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
	record, err := reader.header()
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
	row := reader.cells(&items.header, record)
	if message, suggestion := layoutFault(record, reader.rows.Comma); message != "" {
		d.ReportAt(row.place(0), suggestion, "%s", message)
		return items, nil
	}
	d.readColumns(items, row)
	return items, nil
}

// layoutFault says why a row cannot be the header of a table that is separated so, or
// "". It shows nothing of the row: a file that is no table may be anything.
func layoutFault(record []string, comma rune) (message, suggestion string) {
	if slices.ContainsFunc(record, func(name string) bool { return strings.Contains(name, "\r") }) {
		return "the lines end in a carriage return alone, as on old Macs", "save the file with the line ends of Unix or Windows"
	}
	if len(record) > 1 {
		return "", ""
	}
	for _, other := range []struct{ separator, name, suggestion string }{
		{"\t", "tabs", "name the file .tsv"},
		{";", "semicolons", "separate them by commas, or write sep=; as the first line"},
		{"|", "pipes", "separate them by commas, or write sep=| as the first line"},
		{",", "commas", "name the file .csv"},
	} {
		if other.separator != string(comma) && strings.Contains(record[0], other.separator) {
			return "the cells are separated by " + other.name, other.suggestion
		}
	}
	return "", ""
}

func (d *decoder) readColumns(items *tableItems, row *cells) {
	named := len(row.values) // without empty columns at the end, which spreadsheets leave
	for named > 1 && strings.TrimSpace(row.values[named-1]) == "" {
		named--
	}
	for i, name := range row.values {
		name = strings.TrimSpace(name)
		c := column{name: name}
		if c.name, c.image = strings.CutPrefix(name, imagePrefix); !c.image {
			c.name, c.parameter = strings.CutPrefix(name, parameterPrefix)
		}
		if fault := columnFault(name); fault != "" && i < named {
			d.ReportAt(row.place(i), "", "%s", fault)
		}
		if !items.header.add(c) {
			d.ReportAt(row.place(i), "keep one", "the column %s stands twice", name)
		}
	}
}

// checkModelColumn reports a table without models, which is meant for a manifest
// that has one.
func (d *decoder) checkModelColumn(items *tableItems) {
	if items.header.find("model") < 0 {
		suggestion := "add one, or name the table in items_from of a manifest that has a model"
		for _, c := range items.header.columns {
			if !c.parameter && strings.EqualFold(c.name, "model") {
				suggestion = "write the name of the column " + c.name + " as model"
			}
		}
		d.Report(document.Position{Line: 1, Column: 1}, suggestion, "the table has no column model")
	}
}

func columnFault(name string) string {
	if !utf8.ValidString(name) {
		return "the name of a column " + notUTF8
	}
	inner, isParameter := strings.CutPrefix(name, parameterPrefix)
	if picture, isImage := strings.CutPrefix(name, imagePrefix); isImage && picture != "" {
		return ""
	}
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
