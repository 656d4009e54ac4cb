package manifest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"

	"nightshift/internal/document"
)

// maxLine bounds one line of a JSONL file and one row of a table, in bytes.
const maxLine = 1 << 20

// jsonlItems are the lines of a JSONL file, one object each.
type jsonlItems struct{ file *dataFile }

// variables are not known: each line has its own.
func (s *jsonlItems) variables() ([]string, bool) { return nil, false }

// needs looks for the field in the text: what a row makes is remembered only where another
// may ask for it.
func (s *jsonlItems) needs() (bool, error) {
	file, err := s.file.open()
	if err != nil {
		return false, err
	}
	defer file.Close() // only read from
	field := []byte(`"` + needsName + `"`)
	lines := bufio.NewReaderSize(file, 64<<10)
	for {
		piece, err := lines.ReadSlice('\n')
		if bytes.Contains(piece, field) {
			return true, nil
		}
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case errors.Is(err, bufio.ErrBufferFull): // the field may be cut in two
			return true, nil
		case err != nil:
			return false, readError(s.file.path, err)
		}
	}
}

func (s *jsonlItems) all() iter.Seq2[*layer, error] {
	return func(yield func(*layer, error) bool) {
		file, err := s.file.open()
		if err != nil {
			yield(nil, err)
			return
		}
		// Nothing was written, so closing cannot lose anything.
		defer func() { _ = file.Close() }()
		reader := &jsonlReader{path: s.file.path, lines: bufio.NewReaderSize(file, 64<<10)}
		reader.decoder = newDecoder(s.file.path, &document.Problems{})
		for {
			item, err := reader.next()
			if errors.Is(err, io.EOF) || !yield(item, err) || reader.broken {
				return
			}
		}
	}
}

// jsonlReader reads item after item into the same memory.
type jsonlReader struct {
	path   string
	lines  *bufio.Reader
	number int    // of the current line
	long   []byte // a line that is longer than the buffer of lines
	parser document.JSONReader
	// decoder is made once; problems that it passes on are theirs to keep.
	decoder decoder
	item    layer
	read    int  // items so far
	broken  bool // reading cannot go on
}

// next returns the next item. It returns io.EOF after the last one and
// *Problems for a line that is none.
func (r *jsonlReader) next() (*layer, error) {
	for {
		line, err := r.line()
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(line) != "" {
			return r.decode(line)
		}
	}
}

// line returns the next line without its end.
func (r *jsonlReader) line() (string, error) {
	r.number++
	raw, err := r.lines.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		raw, err = r.longLine(raw)
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(raw) == 0) {
		return "", r.broke(err)
	}
	// The one copy of the line: all texts of the item are parts of it.
	line := string(raw)
	if r.number == 1 {
		line = strings.TrimPrefix(line, bom)
	}
	if len(line) > maxLine {
		return "", r.problem(0, "split it into several rows", "the line has more than %d bytes", maxLine)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// longLine collects a line in pieces. Of one that is too long it keeps only
// enough to know it, and skips the rest.
func (r *jsonlReader) longLine(start []byte) ([]byte, error) {
	r.long = append(r.long[:0], start...)
	for {
		piece, err := r.lines.ReadSlice('\n')
		if len(r.long) <= maxLine {
			r.long = append(r.long, piece...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return r.long, err
		}
	}
}

// broke passes on the end of the file and wraps what else ends the reading.
func (r *jsonlReader) broke(err error) error {
	r.broken = true
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return readError(document.Place{File: r.path, Line: r.number}.String(), err)
}

func (r *jsonlReader) problem(column int, suggestion, format string, args ...any) error {
	return &document.Problem{
		Place:      document.Place{File: r.path, Line: r.number, Column: column},
		Message:    fmt.Sprintf(format, args...),
		Suggestion: suggestion,
	}
}

func (r *jsonlReader) decode(line string) (*layer, error) {
	if at := document.FirstInvalid(line); at >= 0 {
		return nil, r.problem(1+utf8.RuneCountInString(line[:at]), "save the file as UTF-8", "the line is not valid UTF-8")
	}
	n, err := r.parser.Read(line, r.number)
	if problem := r.otherFormat(line, &n, err); problem != nil {
		r.broken = true // every further line would say the same
		return nil, problem
	}
	r.read++
	if err != nil {
		r.decoder.Syntax(err)
	} else {
		r.decoder.readLayer(&n, "a line", &r.item)
	}
	if problems := r.decoder.Problems; problems.Len() > 0 {
		r.decoder.Problems = &document.Problems{}
		return nil, problems
	}
	if r.item.id == "" {
		r.item.id = deriveID(&r.item)
	}
	file, number := r.path, r.number
	r.item.where = func(name string) (document.Place, bool) { return jsonPlace(file, line, number, name) }
	return &r.item, nil
}

// otherFormat says what a file is whose first lines are no items, one a line.
func (r *jsonlReader) otherFormat(line string, n *document.Node, err error) error {
	if r.read > 0 {
		return nil
	}
	fault, broken := errors.AsType[*document.SyntaxError](err)
	switch start := strings.TrimSpace(line); {
	case strings.HasPrefix(start, "["):
		return r.problem(1, "write one object a line without brackets around them, as jq -c '.[]' does", "the file is a list in brackets, where one object a line is wanted")
	case broken && strings.ContainsRune(line, '\r'):
		return r.problem(1, "save the file with the line ends of Unix or Windows", "the lines end in a carriage return alone, as on old Macs")
	case broken && strings.HasPrefix(start, "{") && int(fault.Column) > utf8.RuneCountInString(strings.TrimRight(line, " \t")):
		return r.problem(1, "write each object in one line, as jq -c . does", "an object goes on in the next line, where one object a line is wanted")
	case n.Get("custom_id") != nil && n.Get("body") != nil:
		return r.problem(1, `write what is to be made itself: {"id": "a", "model": "model_...", "prompt": "a red kite", "samples": 2}`,
			"the line is a request of a batch for the API of OpenAI, which is not read here")
	}
	return nil
}

// jsonPlace reads a line once more to find a field in it. Places are asked for
// when something is wrong, so nothing is kept for them.
func jsonPlace(file, line string, number int, name string) (document.Place, bool) {
	var parser document.JSONReader
	n, err := parser.Read(line, number)
	if err != nil {
		return document.Place{}, false
	}
	d := newDecoder(file, nil)
	return d.find(&n, name)
}
