package manifest

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"nightshift/internal/document"
)

// tableReader reads row after row into the same memory.
type tableReader struct {
	path   string
	limit  *rowLimit
	rows   *csv.Reader
	item   layer
	broken bool // reading cannot go on
}

func newTableReader(path string, comma rune, from io.Reader) *tableReader {
	limit := &rowLimit{from: from}
	rows := csv.NewReader(withoutBOM(limit))
	rows.Comma = comma
	rows.FieldsPerRecord = -1 // a ragged row is one problem, not the end
	rows.ReuseRecord = true
	return &tableReader{path: path, limit: limit, rows: rows}
}

var errLongRow = errors.New("row too long")

// rowLimit ends the reading when a row takes too many bytes, as everything after
// a quote that is never closed does.
type rowLimit struct {
	from io.Reader
	read int // since the last row
}

func (l *rowLimit) Read(p []byte) (int, error) {
	if l.read > maxLine {
		return 0, errLongRow
	}
	n, err := l.from.Read(p)
	l.read += n
	return n, err
}

// record returns the next row as it is, io.EOF, a *Problem of this row, or with
// broken set what ended the reading.
func (r *tableReader) record() ([]string, error) {
	r.limit.read = 0
	record, err := r.rows.Read()
	if err == nil || errors.Is(err, io.EOF) {
		return record, err
	}
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, &document.Problem{
			Place:      document.Place{File: r.path, Line: parse.Line, Column: parse.Column},
			Message:    quoteMessage(parse),
			Suggestion: `write a quote within a quoted cell as ""`,
		}
	}
	r.broken = true
	if errors.Is(err, errLongRow) {
		line, _ := r.rows.FieldPos(0)
		return nil, &document.Problem{
			Place:      document.Place{File: r.path, Line: line},
			Message:    fmt.Sprintf("the row after this one has more than %d bytes", maxLine),
			Suggestion: "look for a quote that is not closed",
		}
	}
	return nil, readError(r.path, err)
}

func quoteMessage(parse *csv.ParseError) string {
	if parse.StartLine != parse.Line {
		return fmt.Sprintf("the row that starts in line %d has a quote that is not closed or not alone", parse.StartLine)
	}
	return "a cell has a quote that is not closed or not alone"
}

// header returns the names of the columns. A first line such as sep=; is not one of
// them: it says to spreadsheets, and here, what separates the cells.
func (r *tableReader) header() ([]string, error) {
	record, err := r.record()
	if err != nil {
		return nil, err
	}
	said, found := strings.CutPrefix(strings.ToLower(record[0]), "sep=")
	switch {
	case !found:
		return record, nil
	case said == "" && len(record) == 2 && record[1] == "": // its own separator has cut it
	case len(record) == 1 && slices.Contains([]string{",", ";", "|", "\t"}, said):
		r.rows.Comma = rune(said[0])
	default:
		return record, nil
	}
	return r.record()
}

// next returns the next row as an item.
func (r *tableReader) next(header *header) (*layer, error) {
	for {
		record, err := r.record()
		if err != nil {
			return nil, err
		}
		switch written := strings.Join(record, ""); {
		case written == "":
		case strings.TrimSpace(written) == "":
			return nil, &document.Problem{Place: r.cells(header, record).place(0), Message: "the row holds only blanks", Suggestion: "fill it, or take it out"}
		default:
			return r.decode(header, record)
		}
	}
}

// fitted is a row of as many cells as the header has columns: empty cells at its end,
// and those of empty columns, make no difference.
func fitted(record []string, header *header) []string {
	for len(record) > len(header.columns) && record[len(record)-1] == "" {
		record = record[:len(record)-1]
	}
	for len(record) < len(header.columns) && header.columns[len(record)].name == "" {
		record = append(record, "")
	}
	return record
}

func (r *tableReader) decode(header *header, record []string) (*layer, error) {
	cells := r.cells(header, record)
	d := newDecoder(r.path, &document.Problems{})
	r.item.reset(cells.place(0))
	record = fitted(record, header)
	if len(record) != len(header.columns) {
		return nil, &document.Problem{
			Place:      cells.place(0),
			Message:    fmt.Sprintf("the row has %d cells, but the header has %d", len(record), len(header.columns)),
			Suggestion: "quote cells that hold the separator",
		}
	}
	cells.values = append(cells.values, record[min(len(cells.values), len(record)):]...)
	for i, cell := range record {
		c := &header.columns[i]
		if cell == "" {
			r.emptyCell(c)
			continue
		}
		if fault := cellFault(cell); fault != "" {
			d.ReportAt(cells.place(i), "", "the cell %s", fault)
			continue
		}
		if c.name == "" {
			d.ReportAt(cells.place(i), "give the column a name, or empty it", "the cell stands in a column without a name")
			continue
		}
		n := document.Node{Kind: document.Text, Text: cell}
		if !c.parameter && (c.name == "samples" || c.name == "seed") { // which may be wrong
			n.Position = cells.position(i)
		}
		d.readCell(c, &n, &r.item)
	}
	if r.item.id == "" {
		r.item.id = deriveID(&r.item)
	}
	r.item.where = cells.where
	r.item.texts = cells.text
	return &r.item, d.Problems.Err()
}
