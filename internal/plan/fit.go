package plan

import (
	"errors"
	"io"
	"iter"
	"slices"

	"nightshift/internal/job"
)

// fitting is what of the jobs to run the caps let through in the end.
type fitting struct {
	jobs  int
	cost  job.CU
	scope string // of the cap that keeps back the most; "" if none keeps back any
}

// fit gives the jobs their CU one after another, as admission does: one that is too dear
// for what is left is passed over, with what is made of it, and each is paid whole from one of
// the caps of a pool.
func (p *Plan) fit(rooms []*headroom) fitting {
	var f fitting
	kept := make(map[string]int) // jobs by the cap that keeps them back
	left := make([][]job.CU, len(rooms))
	for i, r := range rooms {
		left[i] = slices.Clone(r.members)
	}
	keptBy := make(map[int]string) // the caps that keep back what others take
	for at, price := range p.prices() {
		scope := p.keptNeed(at, keptBy)
		if scope == "" {
			scope = tooTight(rooms, left, price)
		}
		if scope != "" {
			if kept[scope]++; kept[scope] > kept[f.scope] {
				f.scope = scope
			}
			if p.needs != nil {
				keptBy[at] = scope
			}
			continue
		}
		f.jobs++
		f.cost += price
		for i, r := range rooms {
			if !r.comesBack {
				left[i][slices.Index(left[i], slices.Max(left[i]))] -= price
			}
		}
	}
	return f
}

// tooTight is the cap that does not leave a price; "" if all do.
func tooTight(rooms []*headroom, left [][]job.CU, price job.CU) string {
	for i, r := range rooms {
		if r.comesBack && price > r.largest || !r.comesBack && price > slices.Max(left[i]) {
			return r.scope
		}
	}
	return ""
}

// keptNeed is the cap that keeps back what a job takes; "" if none does.
func (p *Plan) keptNeed(at int, keptBy map[int]string) string {
	for _, need := range p.needs[at] {
		if keptBy[need] != "" {
			return keptBy[need]
		}
	}
	return ""
}

// prices are those of the jobs to run with their places, in the order in which they run where
// that is known.
func (p *Plan) prices() iter.Seq2[int, job.CU] {
	return func(yield func(int, job.CU) bool) {
		for at := range p.inTurn() {
			if !yield(at, p.Shapes[p.order[at]].Each) {
				return
			}
		}
		if p.order != nil {
			return
		}
		at := 0
		for _, shape := range p.Shapes {
			for range shape.Jobs {
				if !yield(at, shape.Each) {
					return
				}
				at++
			}
		}
	}
}

// queuedAhead is about how many jobs stand in the queue before one whose image was just made is
// fed.
const queuedAhead = 32

// inTurn are the places of the jobs in the order in which they run: one that takes the image of
// another comes behind those that were queued when that was made.
func (p *Plan) inTurn() iter.Seq[int] {
	return func(yield func(int) bool) {
		if p.needs == nil {
			for at := range p.order {
				if !yield(at) {
					return
				}
			}
			return
		}
		open := make([]int, len(p.order)) // how many of its needs are not made
		takers := make(map[int][]int)
		var queue []int
		for next := 0; next < len(p.order) || len(queue) > 0; {
			for ; next < len(p.order) && len(queue) < queuedAhead; next++ {
				for _, need := range p.needs[next] {
					if open[need] >= 0 {
						open[next]++
						takers[need] = append(takers[need], next)
					}
				}
				if open[next] == 0 {
					queue = append(queue, next)
				}
			}
			if len(queue) == 0 {
				continue
			}
			at := queue[0]
			queue = queue[1:]
			if !yield(at) {
				return
			}
			open[at] = -1
			for _, taker := range takers[at] {
				if open[taker]--; open[taker] == 0 {
					queue = append(queue, taker)
				}
			}
			delete(takers, at)
		}
	}
}

// readOrder notes in which order the jobs of several prices run.
func (p *Plan) readOrder() error {
	if len(p.Shapes) < 2 || p.Fits() {
		return nil
	}
	p.order = make([]uint16, 0, p.ToRun())
	places := make(map[job.ID]int) // of jobs to run, where some take images of others
	if p.Chained {
		p.needs = make(map[int][]int)
	}
	for jobs := p.spool.read(); ; {
		next, err := jobs.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !next.status.Runs() {
			continue
		}
		if p.Chained {
			needs, err := next.needs()
			if err != nil {
				return err
			}
			for _, need := range needs {
				if at, runs := places[need]; runs {
					p.needs[len(p.order)] = append(p.needs[len(p.order)], at)
				}
			}
			places[next.id()] = len(p.order)
		}
		p.order = append(p.order, uint16(next.shape)) // there are no more than maxShapes
	}
}
