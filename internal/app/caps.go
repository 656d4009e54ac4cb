package app

import (
	"context"
	"slices"
	"time"

	"nightshift/internal/admission"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/plan"
)

// planLimits are the limits that a plan is held against, with what was spent of
// them by the logs of all batches.
func (o *session) planLimits(ctx context.Context) (plan.Limits, error) {
	spending, err := spendingIn(ctx, o.bucket)
	if err != nil {
		return plan.Limits{}, err
	}
	caps := capList{slices: spending, now: time.Now()}
	rules := o.api.keys.limits()
	ofBatch := func(s job.Slice) bool { return s.Batch == o.batch }
	caps.add("", []cappedScope{{"batch budget", config.Limits{CU: config.CUCaps{Total: o.manifest.Budget}}, ofBatch}})
	caps.add("", []cappedScope{{"batch " + o.manifest.Name, rules.Batches[o.manifest.Name], ofBatch}})

	var keys, projects, teams []cappedScope
	limits := plan.Limits{}
	for _, key := range o.api.keys.usable(nil) {
		keys = append(keys, cappedScope{o.keyName(key.ID), key.Limits, func(s job.Slice) bool { return s.APIKey == key.ID }})
		if project := "project " + key.Project; !named(projects, project) {
			projects = append(projects, cappedScope{project, rules.Projects[key.Project], func(s job.Slice) bool { return s.Project == key.Project }})
			limits.RequestsPerMinute += o.gate.project(key.Project).RequestsPerMinute
		}
		if team := "team " + key.Team; !named(teams, team) {
			teams = append(teams, cappedScope{team, rules.Teams[key.Team], func(s job.Slice) bool { return s.Team == key.Team }})
			ceiling, err := o.ceiling(ctx, key)
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

// ceiling is how many jobs of the key's team may run: as set, or as the runs that share
// this Redis have learned; 0 where nobody knows.
func (o *session) ceiling(ctx context.Context, key *ringKey) (int, error) {
	if set := o.api.keys.limits().Teams[key.Team].Parallel; set > 0 {
		return set, nil
	}
	usage, err := o.gate.admission.Usage(ctx, admission.Scope{Kind: admission.Team, Name: key.Team})
	return usage[admission.Team].Ceiling, err
}

// keyName is what a person knows a key's cap by.
func (o *session) keyName(id string) string {
	if !o.api.fromFile {
		return "NIGHTSHIFT_MAX_CU"
	}
	return "key " + id
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

// bounds are since when spending counts in a period, and when it begins anew.
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
