package admission

import (
	"fmt"
	"slices"
	"time"

	"nightshift/internal/job"
)

// reasons are what a script can name, by code; common.lua knows those that it
// finds by itself. Codes are stored in Redis: add at the end.
var reasons = []job.WaitReason{
	1:  job.WaitRequestRate,
	2:  job.WaitParallel,
	3:  job.WaitKeyCU,
	4:  job.WaitBatchCU,
	5:  job.WaitCooldown,
	6:  job.WaitAllowance,
	7:  job.WaitQuarantine,
	8:  job.WaitBackoff,
	9:  job.WaitProjectCU,
	10: job.WaitTeamCU,
}

func reasonCode(reason job.WaitReason) int { return slices.Index(reasons, reason) }

func reasonOf(code int64) job.WaitReason {
	if code < 0 || code >= int64(len(reasons)) {
		return ""
	}
	return reasons[code]
}

// periods are the words for the caps of a scope, by their number in an answer.
var periods = []string{"", " a day", " a month"}

// postponed reads an answer {WAIT, reason, ms, x, y, z, part, endless}.
func (r answer) postponed(in Account, batch string) *job.PostponedError {
	reason := reasonOf(r.number(1))
	wait := &job.PostponedError{
		After:   time.Duration(r.number(2)) * time.Millisecond,
		Reason:  reason,
		Endless: r.number(7) == 1 || reason == job.WaitAllowance || reason == job.WaitQuarantine,
	}
	x, y, z, part := r.number(3), r.number(4), r.number(5), r.number(6)
	switch reason {
	case job.WaitBatchCU:
		wait.Detail = capDetail("budget of batch "+batch, part, x, y, z)
	case job.WaitKeyCU:
		wait.Detail = capDetail("cap of "+named("key", in.APIKey), part, x, y, z)
	case job.WaitProjectCU:
		wait.Detail = capDetail("cap of "+named("project", in.Project), part, x, y, z)
	case job.WaitTeamCU:
		wait.Detail = capDetail("cap of "+named("team", in.Team), part, x, y, z)
	case job.WaitParallel:
		wait.Detail = fmt.Sprintf("%d of %d running of %s", x, y, in.part(part))
	case job.WaitRequestRate:
		wait.Detail = rateDetail(in.part(part), x, y)
	default:
		wait.Detail = fmt.Sprintf("%s pauses until %s", in.part(part), clock(x))
	}
	return wait
}

// part names the key, project or team that a wait is for, by its number in
// common.lua.
func (a Account) part(number int64) string {
	switch number {
	case 1:
		return named("key", a.APIKey)
	case 2:
		return named("project", a.Project)
	default:
		return named("team", a.Team)
	}
}

func named(kind, name string) string {
	if name == "" {
		return "the " + kind
	}
	return kind + " " + name
}

func capDetail(of string, period, limit, used, amount int64) string {
	return fmt.Sprintf("%s, %s CU%s: %s spent or reserved, this job needs %s",
		of, job.CU(limit), periods[period], job.CU(used), job.CU(amount))
}

// rateDetail speaks of a limit that was reached here, or of a pause that the
// provider demanded, which has no y.
func rateDetail(of string, x, y int64) string {
	if y > 0 {
		return fmt.Sprintf("%d of %d requests of %s in this minute", x, y, of)
	}
	return fmt.Sprintf("requests of %s pause until %s", of, clock(x))
}

func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05 UTC") }
