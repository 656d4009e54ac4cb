package pool

import (
	"errors"
	"fmt"
	"slices"

	"nightshift/internal/batch"
	"nightshift/internal/job"
)

// KeyCheck is what free requests showed of an API key.
type KeyCheck struct {
	ID, Pool string
	Origin   batch.KeyOrigin
	Missing  []*job.ScopeError // what a run needs and it may not do
	Err      error             // a refusal of the key or its project, or why it could not be asked
}

// may reports whether the key is known to be taken and not known to be refused this.
func (c *KeyCheck) may(action job.Action) bool {
	return c.Err == nil && !slices.ContainsFunc(c.Missing, func(a *job.ScopeError) bool { return a.Action == action })
}

// Verdict is what follows for a key from what it and the others may do: it is not to be
// used so (Err), or something is better mended (Warnings).
type Verdict struct {
	Err      error
	Warnings []string
}

// Judge says what follows from the checks of keys that are used together. What a key may
// not read, another of its project reads for it; what it may not run, another of its pool
// runs.
func Judge(checks []KeyCheck) []Verdict {
	verdicts := make([]Verdict, len(checks))
	for i := range checks {
		verdicts[i] = judge(&checks[i], checks)
	}
	return verdicts
}

func judge(key *KeyCheck, all []KeyCheck) Verdict {
	if access, refused := errors.AsType[*job.AccessError](key.Err); refused && access.Access == job.AccessProject {
		return Verdict{Err: wrongProject(access)}
	}
	var v Verdict
	var wrong []error
	for _, access := range key.Missing {
		other := slices.IndexFunc(all, func(o KeyCheck) bool { return o.may(access.Action) && standsIn(access.Action, &o, key) })
		if other < 0 {
			wrong = append(wrong, mayNot(access))
			continue
		}
		v.Warnings = append(v.Warnings, fmt.Sprintf("%v; key %s does", mayNot(access), all[other].ID))
	}
	if len(wrong) > 0 {
		v.Err = &job.HintedError{Err: errors.Join(wrong...), Hint: scopeHint(key.Missing)}
	}
	return v
}

// standsIn reports whether one key can do in another's place what that may not.
func standsIn(action job.Action, one, other *KeyCheck) bool {
	if action == job.ReadRuns || action == job.ReadAssets {
		return one.Origin.Same(other.Origin)
	}
	return one.Pool == other.Pool
}

func mayNot(access *job.ScopeError) error {
	return fmt.Errorf("it may not %s: the scope %s is missing (%s)", access.Action, access.Scope, access.Refusal.Detail)
}

func wrongProject(access *job.AccessError) error {
	return &job.HintedError{
		Err:  fmt.Errorf("it may not act for project %s (%s)", access.Project, access.Detail),
		Hint: "correct the project of the key in the keys file, or SCENARIO_PROJECT_ID; a key that belongs to one project needs none",
	}
}

// scopeHint is what to do about the first that is missing.
func scopeHint(missing []*job.ScopeError) string {
	switch first := missing[0]; first.Action {
	case job.ReadRuns:
		return "give it the scope to read jobs (" + first.Scope + "); without it nobody could find out what became of what it pays for"
	case job.ReadAssets:
		return "give it the scope to read assets (" + first.Scope + "), or add a key of the same project that has it; without it no image that it pays for could be fetched"
	case job.RunModels:
		return "give it the scope to run models (" + first.Scope + "), or add a key to the pool that has it"
	default:
		return "give it the scope to " + string(first.Action) + " (" + first.Scope + ")"
	}
}
