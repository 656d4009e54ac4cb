package results

import (
	"slices"
	"time"

	"nightshift/internal/job"
)

// columns is what the sheet's page knows of every entry from the start, so that
// filters and orders work across all pages without loading any: some twenty
// bytes an entry, by the entry's place in the sheet.
type columns struct {
	States  string    `json:"states"`  // a letter each
	Costs   []int64   `json:"costs"`   // billed, in milli-CU
	Seconds []float64 `json:"seconds"` // of the inference
	Ended   []int64   `json:"ended"`   // recorded, in Unix seconds
	Facets  []facet   `json:"facets"`
	Images  int       `json:"images"`
}

// The letters of the states.
const (
	letterSucceeded = 's'
	letterWarning   = 'w' // succeeded, and an image differs from what was wished
	letterFailed    = 'f'
	letterCancelled = 'c'
)

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

// columnMaker takes the entries in their order.
type columnMaker struct {
	states  []byte
	costs   []int64
	seconds []float64
	ended   []int64
	images  int
	facets  facetMaker
}

func (m *columnMaker) add(r *job.Result) {
	m.facets.add(r, len(m.states))
	m.states = append(m.states, stateLetter(r))
	m.costs = append(m.costs, int64(r.Billed))
	m.seconds = append(m.seconds, runSeconds(r))
	m.ended = append(m.ended, recordedSecond(r.Recorded))
	m.images += len(r.Images)
}

func (m *columnMaker) columns() columns {
	return columns{
		States: string(m.states), Costs: m.costs, Seconds: m.seconds, Ended: m.ended,
		Facets: m.facets.facets(len(m.states)), Images: m.images,
	}
}

func recordedSecond(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
