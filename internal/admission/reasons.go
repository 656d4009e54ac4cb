package admission

import (
	"fmt"
	"slices"
	"time"

	"nightshift/internal/job"
)

// reasons are what a script can name, by code; common.lua knows those that it finds
// by itself. Codes are stored in Redis: add at the end.
var reasons = []job.WaitReason{
	1:      job.WaitRequestRate,
	2:      job.WaitParallel,
	codeCU: "", // the kind of the scope says which
	5:      job.WaitCooldown,
	6:      job.WaitAllowance,
	7:      job.WaitQuarantine,
	8:      job.WaitBackoff,
}

const codeCU = 3

func reasonCode(reason job.WaitReason) int { return slices.Index(reasons, reason) }

func reasonOf(code int64) job.WaitReason {
	if code < 0 || code >= int64(len(reasons)) {
		return ""
	}
	return reasons[code]
}

// periods are the words for the caps of a scope, by their number in wait.lua.
var periods = []string{1: "", 2: " a day", 3: " a month"}

// postponed reads a wait, as wait.lua writes it, of one of these scopes.
func (r answer) postponed(scopes askedScopes, amount job.CU) *job.PostponedError {
	i, x, y, z := r.number(4)-1, r.number(5), r.number(6), r.number(7)
	scope := Scope{Kind: scopes.Kinds[i], Name: scopes.Names[i]}
	reason := reasonOf(r.number(1))
	wait := &job.PostponedError{
		After:         time.Duration(r.number(2)) * time.Millisecond,
		Reason:        reason,
		NeedsOperator: r.number(3) == 1 || reason == job.WaitAllowance,
	}
	kind := kindOf(scope.Kind)
	switch {
	case r.number(1) == codeCU:
		wait.Reason = kind.waitCU
		wait.Detail = fmt.Sprintf("%s of %s, %s CU%s: %s spent or reserved, this job needs %s",
			kind.cap, scope, job.CU(x), periods[z], job.CU(y), amount)
	case reason == job.WaitParallel:
		wait.Detail = fmt.Sprintf("%d of %d running of %s", x, y, scope)
	case reason == job.WaitRequestRate && y > 0:
		wait.Detail = fmt.Sprintf("%d of %d requests of %s in this minute", x, y, scope)
	case reason == job.WaitRequestRate: // a pause that the provider demanded
		wait.Detail = fmt.Sprintf("requests of %s pause until %s", scope, clock(x))
	default:
		wait.Detail = fmt.Sprintf("%s pauses until %s", scope, clock(x))
	}
	return wait
}

func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05 UTC") }
