package plan

import (
	"time"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
)

// headroom is what a cap leaves for the batch, or the caps of one pool and period
// together. A room of a day or month comes back, unless the batch ends where a cap
// is full.
type headroom struct {
	scope     string // of the first cap, as a forecast names it
	left      job.CU // now
	each      job.CU // in every further period
	largest   job.CU // of a single cap; a job that costs more never runs
	length    time.Duration
	resets    time.Time // the last of the caps'
	comesBack bool
}

// rooms joins the caps of each pool and period. byCap has the room of each cap.
func (p *Plan) rooms(caps []Cap, now time.Time) (all, byCap []*headroom) {
	type shared struct{ pool, period string }
	pools := make(map[shared]*headroom)
	unit := p.unit()
	for _, limit := range caps {
		key := shared{limit.Pool, limit.period()}
		of := pools[key]
		if of == nil || limit.Pool == "" {
			of = p.newRoom(limit)
			pools[key] = of
			all = append(all, of)
		}
		of.add(limit, unit, now)
		byCap = append(byCap, of)
	}
	return all, byCap
}

func (p *Plan) newRoom(limit Cap) *headroom {
	length := limit.length()
	return &headroom{
		scope:     perPeriod(limit.Scope, limit.period()),
		length:    length,
		comesBack: length > 0 && p.onBudget != manifest.OnBudgetFail,
	}
}

func (r *headroom) add(limit Cap, unit job.CU, now time.Time) {
	left, each := limit.left(), limit.CU
	if r.comesBack { // what is too little for a job is lost at the end of the period
		left -= left % unit
		each -= each % unit
	}
	r.left += left
	r.each += each
	r.largest = max(r.largest, limit.CU)
	resets := limit.Resets
	if !resets.After(now) {
		resets = now.Add(r.length)
	}
	if resets.After(r.resets) {
		r.resets = resets
	}
}

// unit is the price of every job where all cost the same, else a thousandth of a
// CU: how jobs of different prices share a period is not known.
func (p *Plan) unit() job.CU {
	unit := job.CU(1)
	for i, shape := range p.Shapes {
		if i > 0 && shape.Each != p.Shapes[0].Each {
			return 1
		}
		unit = max(shape.Each, 1)
	}
	return unit
}

// covers returns how many of the jobs to run a room lets through in the end, and
// what they cost.
func (p *Plan) covers(r *headroom) (jobs int, cost job.CU) {
	if !r.comesBack {
		if p.Cost <= r.left {
			return p.ToRun(), p.Cost
		}
		return affordable(p.ToRun(), r.left, p.Cost), r.left
	}
	for _, shape := range p.Shapes {
		if shape.Each <= r.largest {
			jobs += shape.Jobs
			cost += shape.Total
		}
	}
	return jobs, cost
}

// periods is how many periods with CU in them a cost takes, all of it of jobs that
// fit into one.
func (r *headroom) periods(cost job.CU) int {
	switch {
	case cost == 0:
		return 0
	case cost <= r.left:
		return 1
	}
	further := int((cost - r.left + r.each - 1) / r.each)
	if r.left > 0 {
		return further + 1
	}
	return further
}
