package report

import (
	"bytes"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"nightshift/internal/job"
)

// columns is what filters and orders of the sheet's page need to know of every
// entry, by the entry's place in the sheet, so that they work across all pages. The
// page loads a column when somebody filters or sorts by it: together they have some
// twenty bytes an entry, and most people only look.
type columns struct {
	states []byte   // a letter each
	costs  []int64  // billed less refunded, in milli-CU
	tenths []uint32 // of the inference's seconds
	ended  []uint32 // recorded, in Unix seconds
	facets facetMaker

	failed, warnings, images int
}

// The letters of the states.
const (
	letterSucceeded = 's'
	letterWarning   = 'w' // succeeded, and an image differs from what was wished
	letterFailed    = 'f'
	letterCancelled = 'c'
)

func newColumns(entries int) *columns {
	return &columns{
		states: make([]byte, 0, entries), costs: make([]int64, 0, entries),
		tenths: make([]uint32, 0, entries), ended: make([]uint32, 0, entries),
	}
}

// add takes the next entry, in the order of the sheet.
func (c *columns) add(r *job.Result) {
	c.facets.add(r, len(c.states))
	letter := stateLetter(r)
	switch letter {
	case letterFailed, letterCancelled:
		c.failed++
	case letterWarning:
		c.warnings++
	}
	c.states = append(c.states, letter)
	c.costs = append(c.costs, int64(r.Billed-r.Refunded))
	c.tenths = append(c.tenths, uint32(min(math.Round(10*runSeconds(r)), math.MaxUint32)))
	c.ended = append(c.ended, recordedSecond(r.Recorded))
	c.images += len(r.Images)
}

func stateLetter(r *job.Result) byte {
	switch {
	case r.State == job.Cancelled:
		return letterCancelled
	case r.State != job.Succeeded:
		return letterFailed
	case slices.ContainsFunc(r.Images, func(i job.Image) bool { return i.Warning != "" }):
		return letterWarning
	default:
		return letterSucceeded
	}
}

func recordedSecond(t time.Time) uint32 {
	return uint32(min(max(t.Unix(), 0), math.MaxUint32))
}

// textColumn is the JSON of a column of single letters and digits.
func textColumn(of []byte) io.Reader {
	return io.MultiReader(bytes.NewReader([]byte{'"'}), bytes.NewReader(of), bytes.NewReader([]byte{'"'}))
}

// listColumn is the JSON of a column of numbers, made while it is read.
func listColumn[T int64 | uint32](values []T) io.Reader {
	return &numberList[T]{values: values, text: []byte{'['}}
}

type numberList[T int64 | uint32] struct {
	values []T
	text   []byte // to be read next
	buffer []byte // reused
	closed bool
}

// Read implements io.Reader.
func (l *numberList[T]) Read(p []byte) (int, error) {
	if len(l.text) == 0 {
		if l.closed {
			return 0, io.EOF
		}
		l.advance()
	}
	n := copy(p, l.text)
	l.text = l.text[n:]
	return n, nil
}

// advance makes the text of the next numbers.
func (l *numberList[T]) advance() {
	const atOnce = 1000
	l.buffer = l.buffer[:0]
	count := min(len(l.values), atOnce)
	for i, value := range l.values[:count] {
		l.buffer = strconv.AppendInt(l.buffer, int64(value), 10)
		if i < len(l.values)-1 {
			l.buffer = append(l.buffer, ',')
		}
	}
	l.values = l.values[count:]
	if len(l.values) == 0 {
		l.buffer = append(l.buffer, ']')
		l.closed = true
	}
	l.text = l.buffer
}
