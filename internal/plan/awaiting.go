package plan

import (
	"slices"

	"nightshift/internal/job"
)

// Awaiting tells which jobs wait for a pick. It is given the jobs in the order of a plan, in
// which each comes after those whose images it takes.
type Awaiting struct {
	marks   func(image job.Picture) job.Mark
	waiting map[job.ID]bool
	// from is the image that a job is made of: the first of those that it takes.
	from map[job.ID]job.Picture
}

// NewAwaiting returns one that goes by these marks; nil where nothing can be marked yet.
func NewAwaiting(marks func(image job.Picture) job.Mark) *Awaiting {
	if marks == nil {
		marks = func(job.Picture) job.Mark { return job.Unmarked }
	}
	return &Awaiting{marks: marks, waiting: make(map[job.ID]bool), from: make(map[job.ID]job.Picture)}
}

// Add takes the next job in, and reports whether it waits: it is to run, and what it is made
// of is not picked, or a job whose image it takes waits.
func (a *Awaiting) Add(j *job.Job, runs bool) (waits bool) {
	taken := j.MadePictures()
	if len(taken) == 0 {
		return false
	}
	a.from[j.ID] = taken[0]
	if !runs {
		return false
	}
	waits = j.Picked && job.InheritedMark(taken[0], a.marks, a.madeFrom) != job.Picked ||
		slices.ContainsFunc(taken, func(image job.Picture) bool { return a.waiting[image.Job] })
	if waits {
		a.waiting[j.ID] = true
	}
	return waits
}

func (a *Awaiting) madeFrom(image job.Picture) []job.Picture {
	if from, made := a.from[image.Job]; made {
		return []job.Picture{from}
	}
	return nil
}

// forget drops all jobs, which no later one takes an image of.
func (a *Awaiting) forget() {
	clear(a.waiting)
	clear(a.from)
}
