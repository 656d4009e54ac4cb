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
// for what is left is passed over, and each is paid whole from one of the caps of a pool.
func (p *Plan) fit(rooms []*headroom) fitting {
	var f fitting
	kept := make(map[string]int) // jobs by the cap that keeps them back
	left := make([][]job.CU, len(rooms))
	for i, r := range rooms {
		left[i] = slices.Clone(r.members)
	}
	for price := range p.prices() {
		tight := slices.IndexFunc(rooms, func(r *headroom) bool {
			if r.comesBack {
				return price > r.largest
			}
			return price > slices.Max(left[slices.Index(rooms, r)])
		})
		if tight >= 0 {
			scope := rooms[tight].scope
			if kept[scope]++; kept[scope] > kept[f.scope] {
				f.scope = scope
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

// prices are those of the jobs to run, in their order where it is known.
func (p *Plan) prices() iter.Seq[job.CU] {
	return func(yield func(job.CU) bool) {
		for _, number := range p.order {
			if !yield(p.Shapes[number].Each) {
				return
			}
		}
		if p.order != nil {
			return
		}
		for _, shape := range p.Shapes {
			for range shape.Jobs {
				if !yield(shape.Each) {
					return
				}
			}
		}
	}
}

// readOrder notes in which order the jobs of several prices run.
func (p *Plan) readOrder() error {
	if len(p.Shapes) < 2 || p.Fits() {
		return nil
	}
	p.order = make([]uint16, 0, p.ToRun())
	for jobs := p.spool.read(); ; {
		next, err := jobs.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if next.status.Runs() {
			p.order = append(p.order, uint16(next.shape)) // there are no more than maxShapes
		}
	}
}
