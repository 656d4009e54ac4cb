package manifest

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"nightshift/internal/document"
	"nightshift/internal/job"
)

// maxFile bounds a YAML or JSON manifest in bytes, because its syntax tree is
// held in memory. Items beyond it belong into a file of their own.
const maxFile = 4 << 20

// Open reads a manifest as far as it is no list of jobs: all of a YAML or JSON
// file with its inline items, the header of a CSV or TSV file. It returns
// *Problems with everything that is wrong there, or another error, which names the
// file, if it cannot be read at all.
func Open(path string) (*Manifest, error) {
	if path == "-" {
		return nil, &job.HintedError{
			Err:  errors.New("- is the standard input, which plan, run and submit alone read"),
			Hint: "name the batch, or the manifest's file",
		}
	}
	return open(path, path)
}

// open is Open for a path that leads to another.
func open(path, leads string) (*Manifest, error) {
	file, err := statLinked(path, leads)
	if err != nil {
		return nil, err
	}
	m := &Manifest{Path: path, Mode: job.Test, Priority: Normal, OnBudget: OnBudgetWait, MaxDrift: usualDrift}
	m.def.folder = filepath.Dir(path)
	problems := &document.Problems{}
	switch extension := strings.ToLower(filepath.Ext(path)); {
	case isFlat(path):
		err = m.openFlat(file, problems)
	case extension == ".yaml" || extension == ".yml":
		err = m.openTree(file, problems, readYAML)
	case extension == ".json":
		err = m.openTree(file, problems, readJSON)
	default:
		err = formatError(path)
	}
	if err != nil {
		return nil, err
	}
	problems.Sort()
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return m, nil
}

// openFlat opens a file with one job a line. It has no header but that of a table.
func (m *Manifest) openFlat(file *dataFile, problems *document.Problems) error {
	m.Name = fileBatchName(file.path)
	m.def.grid, m.def.flat = grid{zipped: 1, total: 1}, true
	m.def.header.where, m.def.defaults.where = nowhere, nowhere
	d := newDecoder(file.path, problems)
	items, err := d.flatItems(file)
	m.def.items = items
	if table, ok := items.(*tableItems); ok && problems.Len() == 0 {
		d.checkModelColumn(table)
	}
	return err
}

// openTree reads a file that is one value and then its header.
func (m *Manifest) openTree(file *dataFile, problems *document.Problems, parse func(*headerReader, string) (document.Node, error)) error {
	content, err := readWhole(file)
	if err != nil {
		return err
	}
	h := &headerReader{decoder: newDecoder(file.path, problems), m: m}
	h.Warnings = &m.Warnings
	m.def.defaults.where = nowhere
	root, err := parse(h, content)
	if err != nil {
		h.Syntax(err)
		return nil
	}
	h.root = &root
	h.readHeader()
	return nil
}

func readYAML(h *headerReader, content string) (document.Node, error) {
	return document.YAMLInDoubt(content, h.Warn)
}

func readJSON(_ *headerReader, content string) (document.Node, error) { return document.JSON(content) }

func readWhole(file *dataFile) (content string, err error) {
	if file.size > maxFile {
		return "", fmt.Errorf("%s has %d bytes, at most %d can be read at once; "+
			"put the items into a JSONL or CSV file and name it in items_from", file.path, file.size, maxFile)
	}
	reader, err := file.open()
	if err != nil {
		return "", err
	}
	// Nothing was written, so closing cannot lose anything.
	defer func() { _ = reader.Close() }()
	all, err := io.ReadAll(io.LimitReader(reader, 2*maxFile))
	if err != nil {
		return "", readError(file.path, err)
	}
	return string(all), nil
}
