package plan

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"nightshift/internal/document"
	"nightshift/internal/job"
)

const spoolBuffer = 256 << 10

// spool keeps the jobs of a plan in a temporary file, from the check until they are
// written with their prices, so that the manifest is read once. It is filled first,
// then sealed, then read, as often as needed.
type spool struct {
	file  *os.File
	named bool // the file still has its name
	out   *bufio.Writer
	files []string // in which rows stand; mostly one
	line  []byte   // reused
	head  []byte   // reused
}

// spooled is a job in the spool. It holds until the next one.
type spooled struct {
	status Status
	shape  int // number of the price shape, of a job that runs
	place  document.Place
	twin   uint64 // the same in jobs that make the same image; 0 where that is not known
	line   []byte // up to the price
}

// unsound is the status of a job of which only the names count: there is something
// wrong with its row.
const unsound Status = ""

var statuses = []Status{unsound, New, Changed, Kept, FailedBefore, Waiting}

// id is the job's, with which its line begins.
func (j *spooled) id() job.ID {
	id, _, _ := bytes.Cut(bytes.TrimPrefix(j.line, []byte(`{"job":"`)), []byte(`"`))
	return job.ID(id)
}

// outputs are the names of the job's images.
func (j *spooled) outputs() ([]string, error) {
	var names struct {
		Outputs []string `json:"outputs"`
	}
	err := json.Unmarshal(append(j.line, '}'), &names)
	return names.Outputs, err
}

// needs are the jobs whose images it takes.
func (j *spooled) needs() ([]job.ID, error) {
	var taking job.Job
	err := json.Unmarshal(append(j.line, '}'), &taking)
	return taking.Needs(), err
}

func newSpool() (*spool, error) {
	file, err := os.CreateTemp("", "nightshift-plan-*")
	if err != nil {
		return nil, spoolFault("make a temporary file", err)
	}
	// Without its name the file is gone with the process, however that ends. Where the
	// system does not allow this, close removes it.
	named := os.Remove(file.Name()) != nil
	return &spool{file: file, named: named, out: bufio.NewWriterSize(file, spoolBuffer)}, nil
}

func spoolFault(what string, err error) error {
	return &job.HintedError{
		Err: fmt.Errorf("%s for the plan: %w", what, err),
		Hint: fmt.Sprintf("the plan of a batch, some 400 bytes a job, must find room in %s until it is stored; "+
			"free space there, or name another folder in TMPDIR", filepath.Clean(os.TempDir())),
	}
}

// add appends a job of a row at this place.
func (s *spool) add(j *job.Job, place document.Place, status Status, shape int, twin uint64) error {
	s.line = appendJob(s.line[:0], j)
	s.head = s.head[:0]
	for _, n := range [...]int{slices.Index(statuses, status), shape, s.fileNumber(place.File), place.Line, place.Column, len(s.line)} {
		s.head = binary.AppendUvarint(s.head, uint64(n))
	}
	s.head = binary.AppendUvarint(s.head, twin)
	_, err := s.out.Write(s.head)
	if err == nil {
		_, err = s.out.Write(s.line)
	}
	if err != nil {
		return spoolFault("fill the temporary file", err)
	}
	return nil
}

func (s *spool) fileNumber(name string) int {
	at := slices.Index(s.files, name)
	if at < 0 {
		at = len(s.files)
		s.files = append(s.files, name)
	}
	return at
}

// seal ends the filling.
func (s *spool) seal() error {
	if err := s.out.Flush(); err != nil {
		return spoolFault("fill the temporary file", err)
	}
	s.out, s.line, s.head = nil, nil, nil
	return nil
}

// spoolReader reads the jobs of a spool in their order.
type spoolReader struct {
	from  *bufio.Reader
	files []string
	job   spooled
}

func (s *spool) read() *spoolReader {
	return &spoolReader{from: bufio.NewReaderSize(io.NewSectionReader(s.file, 0, math.MaxInt64), spoolBuffer), files: s.files}
}

// next returns the next job; io.EOF after the last one.
func (r *spoolReader) next() (*spooled, error) {
	var head [7]uint64
	for i := range head {
		n, err := binary.ReadUvarint(r.from)
		if i == 0 && errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		if err != nil {
			return nil, unreadable(err)
		}
		head[i] = n
	}
	j := &r.job
	j.status, j.shape = statuses[head[0]], int(head[1])
	j.place = document.Place{File: r.files[head[2]], Line: int(head[3]), Column: int(head[4])}
	j.twin = head[6]
	j.line = slices.Grow(j.line[:0], int(head[5]))[:head[5]]
	if _, err := io.ReadFull(r.from, j.line); err != nil {
		return nil, unreadable(err)
	}
	return j, nil
}

func unreadable(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read the temporary file of the plan: %w", err)
}

// close gives the file back. It may be called again.
func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if s.named {
		err = errors.Join(err, os.Remove(s.file.Name()))
	}
	s.file = nil
	return err
}
