package manifest

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
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

// next returns the next row as an item.
func (r *tableReader) next(header []column) (*layer, error) {
	for {
		record, err := r.record()
		if err != nil {
			return nil, err
		}
		if strings.Join(record, "") != "" {
			return r.decode(header, record)
		}
	}
}

func (r *tableReader) decode(header []column, record []string) (*layer, error) {
	cells := r.cells(header, record)
	d := newDecoder(r.path, &document.Problems{})
	r.item.reset(cells.place(0))
	if len(record) != len(header) {
		return nil, &document.Problem{
			Place:      cells.place(0),
			Message:    fmt.Sprintf("the row has %d cells, but the header has %d", len(record), len(header)),
			Suggestion: "quote cells that hold the separator",
		}
	}
	for i, cell := range record {
		if cell == "" {
			r.emptyCell(&header[i])
			continue
		}
		if fault := cellFault(cell); fault != "" {
			d.ReportAt(cells.place(i), "", "the cell %s", fault)
			continue
		}
		n := document.Node{Position: document.Position{Line: int32(cells.line(i)), Column: int32(cells.column(i))}, Kind: document.Text, Text: cell}
		d.readCell(&header[i], &n, &r.item)
	}
	if r.item.id == "" {
		r.item.id = deriveID(&r.item)
	}
	r.item.where = cells.where
	r.item.texts = cells.text
	return &r.item, d.Problems.Err()
}
