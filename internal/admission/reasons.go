package admission

import (
	"fmt"
	"slices"
	"time"

	"nightshift/internal/job"
)

// reasons are what a script can name, by code; common.lua knows the first four.
// Codes are stored in Redis: add at the end.
var reasons = []job.WaitReason{
	1: job.WaitRequestRate,
	2: job.WaitParallel,
	3: job.WaitKeyCU,
	4: job.WaitBatchCU,
	5: job.WaitCooldown,
	6: job.WaitAllowance,
	7: job.WaitQuarantine,
	8: job.WaitBackoff,
}

func reasonCode(reason job.WaitReason) int { return slices.Index(reasons, reason) }

func reasonOf(code int64) job.WaitReason {
	if code < 0 || code >= int64(len(reasons)) {
		return ""
	}
	return reasons[code]
}

// postponed reads an answer {WAIT, reason, ms, x, y, z}.
func (r answer) postponed(s Scope) *job.PostponedError {
	reason := reasonOf(r.number(1))
	return &job.PostponedError{
		After:  time.Duration(r.number(2)) * time.Millisecond,
		Reason: reason,
		Detail: detail(reason, s, r.number(3), r.number(4), r.number(5)),
	}
}

// detail says in words what x, y and z of reserve.lua mean. Holds share their
// reasons with limits that were reached here: those have a y.
func detail(reason job.WaitReason, s Scope, x, y, z int64) string {
	switch reason {
	case job.WaitBatchCU:
		return fmt.Sprintf("batch budget %s CU: %s spent or reserved, this job needs %s", job.CU(x), job.CU(y), job.CU(z))
	case job.WaitKeyCU:
		return fmt.Sprintf("cap of key %q %s CU: %s spent or reserved, this job needs %s", s.APIKey, job.CU(x), job.CU(y), job.CU(z))
	case job.WaitParallel:
		return fmt.Sprintf("%d of %d running", x, y)
	case job.WaitRequestRate:
		if y > 0 {
			return fmt.Sprintf("%d of %d requests of project %q in this minute", x, y, s.Project)
		}
		return fmt.Sprintf("requests of project %q pause until %s", s.Project, clock(x))
	default:
		return fmt.Sprintf("key %q pauses until %s", s.APIKey, clock(x))
	}
}

func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05 UTC") }
