package plan

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/suggest"
)

// made are the rows that were read and whose images others may take. Where no item needs
// another, only those of one row and its steps are kept.
type made struct {
	all   bool // of the whole manifest
	byRow map[string][]madeJob
	picks *Awaiting
}

// madeJob is a job of such a row.
type madeJob struct {
	id     job.ID
	images int
	status Status
	chain  string // of the models by which it comes about
}

// madeImage is image n of a job, from 0.
type madeImage struct {
	job *madeJob
	n   int
}

func newMade(all bool, marks func(image job.Picture) job.Mark) *made {
	return &made{all: all, byRow: make(map[string][]madeJob), picks: NewAwaiting(marks)}
}

// begin forgets the row before, where only its steps could ask for it.
func (m *made) begin(row *manifest.Row) {
	if !m.all && row.Step == "" {
		clear(m.byRow)
		m.picks.forget()
	}
}

// add notes a job of a row; a row without any is noted, too, so that what is wrong with it is
// told once.
func (m *made) add(row string, jobs ...madeJob) { m.byRow[row] = append(m.byRow[row], jobs...) }

// find returns the first row of those that was read.
func (m *made) find(rows []string) []madeJob {
	for _, row := range rows {
		if jobs, ok := m.byRow[row]; ok {
			if jobs == nil {
				jobs = []madeJob{}
			}
			return jobs
		}
	}
	return nil
}

// lacks reports whether a row takes an image of one that makes none because something is
// wrong with it.
func (m *made) lacks(row *manifest.Row) bool {
	for p := range madePictures(row) {
		if len(m.find(p.Rows)) == 0 {
			return true
		}
	}
	return false
}

// misses reports whether a row takes an image of one that was not read yet.
func (m *made) misses(row *manifest.Row) bool {
	for p := range madePictures(row) {
		if m.find(p.Rows) == nil {
			return true
		}
	}
	return false
}

// madePictures are the pictures of a row that other rows make.
func madePictures(row *manifest.Row) iter.Seq[manifest.Picture] {
	return func(yield func(manifest.Picture) bool) {
		for i := range row.Images {
			for _, p := range row.Images[i].Pictures {
				if p.Source == manifest.PictureMade && !yield(p) {
					return
				}
			}
		}
	}
}

// image is the image of a row that was read, as a plan names it.
func (m *made) image(p manifest.Picture) (string, finding) {
	found, ok := m.lookup(p)
	if !ok {
		return "", finding{
			message: fmt.Sprintf("%s makes no image %d", p.Rows[0], p.N),
		}
	}
	return job.Picture{Job: found.job.id, Image: found.n}.String(), finding{}
}

func (m *made) lookup(p manifest.Picture) (madeImage, bool) {
	left := p.N - 1
	jobs := m.find(p.Rows)
	for i := range jobs {
		if left < jobs[i].images {
			return madeImage{&jobs[i], left}, true
		}
		left -= jobs[i].images
	}
	return madeImage{}, false
}

// of returns the images of other rows that a row takes.
func (m *made) of(row *manifest.Row) []madeImage {
	var taken []madeImage
	for p := range madePictures(row) {
		if found, ok := m.lookup(p); ok {
			taken = append(taken, found)
		}
	}
	return taken
}

// deferRow keeps a row until those are read whose images it takes.
func (s *scan) deferRow(row *manifest.Row) { s.deferred = append(s.deferred, row) }

// undeferred takes the rows out that can be read now.
func (s *scan) undeferred() []*manifest.Row {
	var ready []*manifest.Row
	s.deferred = slices.DeleteFunc(s.deferred, func(row *manifest.Row) bool {
		if s.made.misses(row) {
			return false
		}
		ready = append(ready, row)
		return true
	})
	return ready
}

// unmet says what is wrong with rows whose needs are not there after all were read: the need
// is unknown, or they need each other. One that only waits for such a row has nothing wrong.
func (s *scan) unmet() {
	needs := make(map[string][]string, len(s.deferred)) // of the rows that wait, likewise
	for _, row := range s.deferred {
		needs[row.ID] = nil
	}
	unmade := func(row *manifest.Row, yield func(p manifest.Picture, waits string)) {
		for p := range madePictures(row) {
			if s.made.find(p.Rows) != nil {
				continue
			}
			at := slices.IndexFunc(p.Rows, func(id string) bool { _, waits := needs[id]; return waits })
			if at < 0 {
				yield(p, "")
			} else {
				yield(p, p.Rows[at])
			}
		}
	}
	for _, row := range s.deferred {
		unmade(row, func(_ manifest.Picture, waits string) {
			if waits != "" {
				needs[row.ID] = append(needs[row.ID], waits)
			}
		})
	}
	for _, row := range s.deferred {
		unmade(row, func(p manifest.Picture, waits string) {
			if waits == "" {
				s.problems.addFinding(row, s.unknownNeed(row, p))
			} else if circle := wayBack(needs, waits, row.ID); circle != nil {
				s.problems.addFinding(row, circleOf(row.ID, circle))
			}
		})
	}
}

// wayBack is a way from one row to another by what they need, both included; nil where there is
// none.
func wayBack(needs map[string][]string, from, to string) []string {
	before := map[string]string{from: ""}
	for open := []string{from}; len(open) > 0; open = open[1:] {
		if open[0] == to {
			var way []string
			for id := to; id != ""; id = before[id] {
				way = append(way, id)
			}
			slices.Reverse(way)
			return way
		}
		for _, next := range needs[open[0]] {
			if _, seen := before[next]; !seen {
				before[next] = open[0]
				open = append(open, next)
			}
		}
	}
	return nil
}

// circleOf says that a row needs itself in the end.
func circleOf(row string, way []string) finding {
	f := finding{field: "needs", suggestion: "take one of the needs out"}
	switch len(way) {
	case 1:
		f.message, f.suggestion = row+" needs itself", "take the need out"
	case 2:
		f.message = fmt.Sprintf("%s and %s need each other", row, way[0])
	default:
		f.message = fmt.Sprintf("%s needs %s, which needs %s", row, way[0], strings.Join(way[1:], ", which needs "))
	}
	return f
}

// unknownNeed says that no row is what another needs.
func (s *scan) unknownNeed(row *manifest.Row, p manifest.Picture) finding {
	f := finding{field: "needs", message: fmt.Sprintf("%s needs %s, which no row is", row.ID, p.Rows[len(p.Rows)-1])}
	last := p.Rows[len(p.Rows)-1]
	var near []string
	for id := range s.made.byRow {
		near = append(near, id)
	}
	if slices.ContainsFunc(near, func(id string) bool { return len(id) > len(last) && id[:len(last)+1] == last+"/" }) {
		f.suggestion = "it has several rows; name one of them by its whole id"
		return f
	}
	slices.Sort(near)
	f.suggestion = suggest.DidYouMean(last, near, "%")
	return f
}
