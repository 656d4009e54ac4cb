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
	limits := plan.Limits{Window: rules.Window}
	for _, key := range g.Keys.Usable(nil) {
		keys = append(keys, cappedScope{capName(key.ID), key.Limits, func(s job.Slice) bool { return s.APIKey == key.ID }})
		if project := "project " + key.Project; !named(projects, project) {
			projects = append(projects, cappedScope{project, set.Projects[key.Project], func(s job.Slice) bool { return s.Project == key.Project }})
		}
		if team := "team " + key.Team; !named(teams, team) {
			teams = append(teams, cappedScope{team, set.Teams[key.Team], func(s job.Slice) bool { return s.Team == key.Team }})
		}
	}
	var err error
	if limits.Parallel, limits.RequestsPerMinute, err = g.together(ctx, g.Keys.Usable(nil)); err != nil {
		return limits, err
	}
	caps.add("keys", keys)
	caps.add("projects", projects)
	caps.add("teams", teams)
	limits.Caps = caps.caps
	return limits, nil
}

// together is how many jobs may run with all of the keys, and how many requests a minute
// they may send: those of the keys of a project, at most the project's, and so on. 0 is
// where nobody knows of a limit.
func (g *Limiter) together(ctx context.Context, keys []*Key) (parallel, requests int, err error) {
	projects := make(map[[2]string]config.Limits) // by team and project
	teams := make(map[string]config.Limits)
	for _, key := range keys {
		name := [2]string{key.Team, key.Project}
		sum, more := projects[name]
		projects[name] = config.Limits{
			Parallel:          sumOf(sum.Parallel, key.Limits.Parallel, more),
			RequestsPerMinute: sumOf(sum.RequestsPerMinute, key.Limits.RequestsPerMinute, more),
		}
	}
	for name, of := range projects {
		sum, more := teams[name[0]]
		set := g.Project(name[1])
		teams[name[0]] = config.Limits{
			Parallel:          sumOf(sum.Parallel, lower(of.Parallel, set.Parallel), more),
			RequestsPerMinute: sumOf(sum.RequestsPerMinute, lower(of.RequestsPerMinute, set.RequestsPerMinute), more),
		}
	}
	more := false
	for name, of := range teams {
		ceiling, err := g.ceiling(ctx, name)
		if err != nil {
			return 0, 0, err
		}
		parallel = sumOf(parallel, lower(of.Parallel, ceiling), more)
		requests = sumOf(requests, lower(of.RequestsPerMinute, g.Keys.Limits().Teams[name].RequestsPerMinute), more)
		more = true
	}
	return parallel, requests, nil
}

// sumOf adds up limits, where 0 is none; more says that there was one before.
func sumOf(sum, limit int, more bool) int {
	if more && sum == 0 || limit == 0 {
		return 0
	}
	return sum + limit
}

// lower is the lower of two limits, where 0 is none.
func lower(a, b int) int {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// ceiling is how many jobs of a team may run: as set, or as the processes that share this
// Redis have learned; 0 where nobody knows.
func (g *Limiter) ceiling(ctx context.Context, team string) (int, error) {
	usage, err := g.Admission.Usage(ctx, admission.Scope{Kind: admission.Team, Name: team})
	learned := usage[admission.Team].Ceiling
	if learned == 0 && g.Ceiling != nil {
		learned = g.Ceiling(team)
	}
	return lower(g.Keys.Limits().Teams[team].Parallel, learned), err
}

// Learned are the ceilings that the processes which share this Redis have learned, by
// team. The error is Redis'.
func (g *Limiter) Learned(ctx context.Context) (map[string]int, error) {
	learned := make(map[string]int)
	for _, key := range g.Keys.Usable(nil) {
		usage, err := g.Admission.Usage(ctx, admission.Scope{Kind: admission.Team, Name: key.Team})
		if err != nil {
			return nil, err
		}
		if ceiling := usage[admission.Team].Ceiling; ceiling > 0 {
			learned[key.Team] = ceiling
		}
	}
	return learned, nil
}

// Remember tells a Redis that knows nothing what earlier processes have learned.
func (g *Limiter) Remember(ctx context.Context) error {
	for _, key := range g.Keys.Usable(nil) {
		if ceiling := g.Ceiling(key.Team); ceiling > 0 {
			if err := g.LearnCeiling(ctx, key.ID, ceiling); err != nil {
				return err
			}
		}
	}
	return nil
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

// add adds the caps of scopes of one kind. Jobs run in any of them, so what is left
// of several adds up: of each period where all have caps of the same ones, else what the
// tightest cap of each leaves. Where one of them has none, the others' bind nobody.
func (l *capList) add(pool string, scopes []cappedScope) {
	if len(scopes) < 2 {
		pool = ""
	}
	if slices.ContainsFunc(scopes, func(s cappedScope) bool { return s.limits.CU == config.CUCaps{} }) {
		return
	}
	mixed := !alike(scopes)
	for _, period := range periods {
		for _, scope := range scopes {
			if capOf(scope.limits, period) != nil {
				l.addCap(pool, scope, period, mixed)
			}
		}
	}
}

// alike reports whether scopes have caps of the same periods.
func alike(scopes []cappedScope) bool {
	for _, period := range periods {
		capped := func(s cappedScope) bool { return capOf(s.limits, period) != nil }
		if slices.ContainsFunc(scopes, capped) && slices.ContainsFunc(scopes, func(s cappedScope) bool { return !capped(s) }) {
			return false
		}
	}
	return true
}

var periods = []string{plan.PeriodTotal, plan.PeriodDay, plan.PeriodMonth}

func (l *capList) addCap(pool string, scope cappedScope, period string, mixed bool) {
	since, resets := l.bounds(scope.limits.Calendar, period)
	l.caps = append(l.caps, plan.Cap{
		Scope: scope.name, Pool: pool, Mixed: mixed, Period: period, CU: *capOf(scope.limits, period), Spent: l.spent(scope.of, since), Resets: resets,
	})
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
