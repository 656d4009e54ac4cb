package app

import (
	"errors"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/results"
	"nightshift/internal/runner"
)

// deadEnd notices that nothing will go on without a person: everything that was
// submitted is collected, and the rest waits for something that no time brings.
type deadEnd struct{ since time.Time }

func newDeadEnd() *deadEnd { return &deadEnd{} }

// certain is how long it must look so: waiting jobs are tried one after another,
// and a cheaper one may still fit where a dear one does not.
const certain = 5 * time.Second

func (d *deadEnd) reached(counts job.Counts, waits runner.Waits) *ending {
	underWay := counts.Jobs[job.Sending] + counts.Jobs[job.Running] + counts.Jobs[job.Unknown] + counts.Jobs[job.Storing]
	hint := endless(waits.Reason)
	if underWay > 0 || hint == "" {
		d.since = time.Time{}
		return nil
	}
	if d.since.IsZero() {
		d.since = time.Now()
	}
	if time.Since(d.since) < certain {
		return nil
	}
	return &ending{outcome: results.Stopped, err: errors.New(waits.Detail), hint: hint}
}

// endless says what a person can do about a wait that does not end by itself, or
// "" for one that does.
func endless(reason job.WaitReason) string {
	switch reason {
	case job.WaitBatchCU:
		return "raise budget.cu in the manifest and run it again; what is made is kept"
	case job.WaitKeyCU:
		return "raise NIGHTSHIFT_MAX_CU and run again; what is made is kept"
	case job.WaitAllowance:
		return "the plan's allowance is used up; buy more or wait for the next billing period, then run again"
	case job.WaitQuarantine:
		return "give a valid key in SCENARIO_API_KEY and SCENARIO_API_SECRET and run again"
	default:
		return ""
	}
}
