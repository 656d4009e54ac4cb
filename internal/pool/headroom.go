package pool

import (
	"context"
	"time"

	"nightshift/internal/admission"
	"nightshift/internal/job"
)

// Headroom is what the caps of the usable keys, of their projects and of their teams leave
// for new jobs; each of these kinds alone, and none of a kind of which one has no cap. The
// error is Redis'.
func (g *Limiter) Headroom(ctx context.Context) ([]job.Headroom, error) {
	now := time.Now()
	scopes := make(map[admission.Kind][]admission.Scope)
	for _, key := range g.Keys.Usable(nil) {
		if key.refusals.stand() {
			continue
		}
		for _, scope := range g.Candidate(key, now) {
			scopes[scope.Kind] = append(scopes[scope.Kind], scope)
		}
	}
	var all []job.Headroom
	for _, kind := range []admission.Kind{admission.Key, admission.Project, admission.Team} {
		together, capped, err := g.headroomOf(ctx, scopes[kind])
		if err != nil {
			return nil, err
		}
		if capped {
			all = append(all, together)
		}
	}
	return all, nil
}

// Capped reports whether anything that a usable key is counted in has a cap of CU.
func (g *Limiter) Capped() bool {
	now := time.Now()
	for _, key := range g.Keys.Usable(nil) {
		for _, scope := range g.Candidate(key, now) {
			if scope.Limits.CU != (admission.Caps{}) {
				return true
			}
		}
	}
	return false
}

// headroomOf adds up what the caps of scopes of one kind leave; capped is false where one of
// them has none.
func (g *Limiter) headroomOf(ctx context.Context, scopes []admission.Scope) (sum job.Headroom, capped bool, err error) {
	for _, scope := range scopes {
		if scope.Limits.CU == (admission.Caps{}) {
			return sum, false, nil
		}
	}
	seen := make(map[string]bool)
	for _, scope := range scopes {
		if seen[scope.Name] {
			continue
		}
		seen[scope.Name] = true
		usage, err := g.Admission.Usage(ctx, scope)
		if err != nil {
			return sum, false, err
		}
		add(&sum, tightest(scope.Limits.CU, usage[scope.Kind]))
	}
	return sum, len(seen) > 0, nil
}

// add joins the caps of another scope. What others get in longer periods than the shortest
// is not counted.
func add(sum *job.Headroom, one job.Headroom) {
	sum.Left += one.Left
	switch {
	case one.Renews.IsZero():
	case sum.Period == 0 || one.Period < sum.Period:
		sum.Renews, sum.Each, sum.Period = one.Renews, one.Each, one.Period
	case one.Period == sum.Period:
		sum.Each += one.Each
		if one.Renews.After(sum.Renews) {
			sum.Renews = one.Renews
		}
	}
}

// tightest is what that cap of a scope leaves that leaves the least.
func tightest(caps admission.Caps, used admission.ScopeUsage) job.Headroom {
	const day = 24 * time.Hour
	var tight *job.Headroom
	for _, c := range []struct {
		cap    *job.CU
		spent  job.CU
		renews time.Time
		period time.Duration
	}{{caps.Total, used.Spent, time.Time{}, 0}, {caps.Month, used.SpentThis, used.MonthEnds, 30 * day}, {caps.Day, used.SpentToday, used.DayEnds, day}} {
		if c.cap == nil {
			continue
		}
		left := max(0, *c.cap-c.spent-used.Reserved)
		if tight != nil && tight.Left <= left {
			continue
		}
		tight = &job.Headroom{Left: left, Renews: c.renews, Period: c.period}
		if c.period > 0 {
			tight.Each = *c.cap
		}
	}
	return *tight
}
