package plan

import (
	"cmp"
	"slices"
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
	members   []job.CU // what each of the caps leaves now; a job is paid from one of them
	// tight is which period of each member of a mixed pool leaves the least.
	tight map[string]string
}

// rooms joins the caps of each pool and period, and those of a pool whose members have
// caps of different kinds. byCap has the room of each cap.
func (p *Plan) rooms(caps []Cap, now time.Time) (all, byCap []*headroom) {
	type shared struct{ pool, period string }
	pools := make(map[shared]*headroom)
	unit := p.unit()
	for _, limit := range caps {
		key := shared{limit.Pool, limit.period()}
		if limit.Mixed {
			key.period = ""
		}
		of := pools[key]
		switch {
		case of != nil && limit.Pool != "":
		case limit.Mixed:
			of = p.mixedRoom(caps, limit.Pool, unit, now)
		default:
			of = p.newRoom(limit)
		}
		if pools[key] != of {
			pools[key] = of
			all = append(all, of)
		}
		if !limit.Mixed {
			of.add(limit, unit, now)
		}
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
	r.members = append(r.members, left)
	if r.comesBack { // what is too little for a job is lost at the end of the period
		left -= left % unit
		each -= each % unit
	}
	r.left += left
	r.each += each
	r.largest = max(r.largest, limit.CU)
	if resets := r.resetsOf(limit, now); resets.After(r.resets) {
		r.resets = resets
	}
}

// resetsOf is when a cap begins its next period.
func (r *headroom) resetsOf(limit Cap, now time.Time) time.Time {
	if !limit.Resets.After(now) {
		return now.Add(limit.length())
	}
	return limit.Resets
}

// mixedRoom is that of a pool whose members have caps of different kinds: each leaves what
// its tightest cap does. Those come back of which that is one of a period, in the shortest of
// their periods; what others get in longer ones, and the end of a larger cap for good, is not
// counted.
func (p *Plan) mixedRoom(caps []Cap, pool string, unit job.CU, now time.Time) *headroom {
	r := &headroom{tight: make(map[string]string)}
	members := make(map[string][]Cap)
	for _, limit := range caps {
		if limit.Mixed && limit.Pool == pool {
			if r.scope == "" {
				r.scope = perPeriod(limit.Scope, limit.period())
			}
			members[limit.Scope] = append(members[limit.Scope], limit)
		}
	}
	for _, own := range members {
		tight := slices.MinFunc(own, func(a, b Cap) int { return cmp.Compare(a.left(), b.left()) })
		left := tight.left()
		r.tight[tight.Scope] = tight.period()
		r.left += left
		r.members = append(r.members, left)
		smallest := slices.MinFunc(own, func(a, b Cap) int { return cmp.Compare(a.CU, b.CU) })
		r.largest = max(r.largest, smallest.CU)
		if smallest.length() == 0 || tight.length() == 0 || p.onBudget == manifest.OnBudgetFail {
			continue
		}
		each := smallest.CU - smallest.CU%unit
		if each == 0 {
			continue // no period of it has room for a job
		}
		r.comesBack = true
		switch length := smallest.length(); {
		case r.length == 0 || length < r.length:
			r.length, r.each, r.resets = length, each, r.resetsOf(smallest, now)
		case length == r.length:
			r.each += each
		}
	}
	return r
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

// covers returns how many of the jobs to run are not too dear for a room that comes back,
// and what they cost.
func (p *Plan) covers(r *headroom) (jobs int, cost job.CU) {
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
	if r.each == 0 {
		return 1 // what is left is all there is
	}
	further := int((cost - r.left + r.each - 1) / r.each)
	if r.left > 0 {
		return further + 1
	}
	return further
}
