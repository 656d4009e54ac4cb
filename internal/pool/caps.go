package pool

import (
	"context"
	"slices"
	"time"

	"nightshift/internal/admission"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/plan"
)

// PlanLimits are the limits that the plan of a batch is held against, with what was spent
// of them: spending is that of all batches.
func (g *Limiter) PlanLimits(ctx context.Context, batch string, rules BatchRules, spending []job.Slice) (plan.Limits, error) {
	caps := capList{slices: spending, now: time.Now()}
	set := g.Keys.Limits()
	ofBatch := func(s job.Slice) bool { return s.Batch == batch }
	caps.add("", []cappedScope{{"batch budget", config.Limits{CU: config.CUCaps{Total: rules.Budget}}, ofBatch}})
	caps.add("", []cappedScope{{"batch " + rules.Name, set.Batches[rules.Name], ofBatch}})

	var keys, projects, teams []cappedScope
	limits := plan.Limits{}
	for _, key := range g.Keys.Usable(nil) {
		keys = append(keys, cappedScope{capName(key.ID), key.Limits, func(s job.Slice) bool { return s.APIKey == key.ID }})
		if project := "project " + key.Project; !named(projects, project) {
			projects = append(projects, cappedScope{project, set.Projects[key.Project], func(s job.Slice) bool { return s.Project == key.Project }})
			limits.RequestsPerMinute += g.Project(key.Project).RequestsPerMinute
		}
		if team := "team " + key.Team; !named(teams, team) {
			teams = append(teams, cappedScope{team, set.Teams[key.Team], func(s job.Slice) bool { return s.Team == key.Team }})
			ceiling, err := g.ceiling(ctx, key.Team)
			if err != nil {
				return limits, err
			}
			limits.Parallel += ceiling
		}
	}
	caps.add("keys", keys)
	caps.add("projects", projects)
	caps.add("teams", teams)
	limits.Caps = caps.caps
	return limits, nil
}

// ceiling is how many jobs of a team may run: as set, or as the processes that share this
// Redis have learned; 0 where nobody knows.
func (g *Limiter) ceiling(ctx context.Context, team string) (int, error) {
	if set := g.Keys.Limits().Teams[team].Parallel; set > 0 {
		return set, nil
	}
	usage, err := g.Admission.Usage(ctx, admission.Scope{Kind: admission.Team, Name: team})
	return usage[admission.Team].Ceiling, err
}

// capName is what a person knows a key's cap by.
func capName(key string) string {
	if key == EnvironmentKey {
		return "NIGHTSHIFT_MAX_CU"
	}
	return "key " + key
}

// cappedScope is something that has caps, and which spending counts in it.
type cappedScope struct {
	name   string
	limits config.Limits
	of     func(job.Slice) bool
}

func named(scopes []cappedScope, name string) bool {
	return slices.ContainsFunc(scopes, func(s cappedScope) bool { return s.name == name })
}

// capList collects caps with what was spent of them.
type capList struct {
	slices []job.Slice
	now    time.Time
	caps   []plan.Cap
}

// Add adds the caps of scopes of one kind. Jobs run in any of them, so what is left
// of several adds up; a period in which one of them has no cap binds nobody.
func (l *capList) add(pool string, scopes []cappedScope) {
	if len(scopes) < 2 {
		pool = ""
	}
	for _, period := range []string{plan.PeriodTotal, plan.PeriodDay, plan.PeriodMonth} {
		if slices.ContainsFunc(scopes, func(s cappedScope) bool { return capOf(s.limits, period) == nil }) {
			continue
		}
		for _, scope := range scopes {
			since, resets := l.bounds(scope.limits.Calendar, period)
			l.caps = append(l.caps, plan.Cap{
				Scope: scope.name, Pool: pool, Period: period, CU: *capOf(scope.limits, period), Spent: l.spent(scope.of, since), Resets: resets,
			})
		}
	}
}

func capOf(l config.Limits, period string) *job.CU {
	switch period {
	case plan.PeriodDay:
		return l.CU.Day
	case plan.PeriodMonth:
		return l.CU.Month
	default:
		return l.CU.Total
	}
}

// bounds are since when spending counts in a period, and when it starts again.
func (l *capList) bounds(c config.Calendar, period string) (since, resets time.Time) {
	switch period {
	case plan.PeriodDay:
		return c.Day(l.now)
	case plan.PeriodMonth:
		return c.Month(l.now)
	default:
		return time.Time{}, time.Time{}
	}
}

func (l *capList) spent(of func(job.Slice) bool, since time.Time) job.CU {
	spent := job.CU(0)
	for _, slice := range l.slices {
		if of(slice) && !slice.Quarter.Before(since) {
			spent += slice.CU
		}
	}
	return spent
}
