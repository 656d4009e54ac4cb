package plan

import (
	"fmt"
	"iter"
	"slices"

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
// is unknown, or they need each other.
func (s *scan) unmet() {
	waiting := make(map[string]bool, len(s.deferred))
	for _, row := range s.deferred {
		waiting[row.ID] = true
	}
	for _, row := range s.deferred {
		for p := range madePictures(row) {
			if s.made.find(p.Rows) == nil {
				s.problems.addFinding(row, s.unmetNeed(row, p, waiting))
			}
		}
	}
}

func (s *scan) unmetNeed(row *manifest.Row, p manifest.Picture, waiting map[string]bool) finding {
	if slices.Contains(p.Rows, row.ID) {
		return finding{field: "needs", message: row.ID + " needs itself", suggestion: "take the need out"}
	}
	if slices.ContainsFunc(p.Rows, func(id string) bool { return waiting[id] }) {
		return finding{
			field: "needs", message: fmt.Sprintf("%s and %s need each other, or wait for rows that do", row.ID, p.Rows[0]),
			suggestion: "take one of the needs out",
		}
	}
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
