package app

import (
	"errors"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/results"
	"nightshift/internal/runner"
)

// deadEnd notices that nothing will go on without a person: everything that was
// submitted is collected, and the rest waits for something that no time brings.
type deadEnd struct {
	onBudget manifest.OnBudget
	since    time.Time
}

func newDeadEnd(o manifest.OnBudget) *deadEnd { return &deadEnd{onBudget: o} }

// certain is how long it must look so: waiting jobs are tried one after another,
// and a cheaper one may still fit where a dear one does not.
const certain = 5 * time.Second

func (d *deadEnd) reached(counts job.Counts, waits runner.Waits) *ending {
	if !d.stands(counts, waits) {
		d.since = time.Time{}
		return nil
	}
	if d.since.IsZero() {
		d.since = time.Now()
	}
	if time.Since(d.since) < certain {
		return nil
	}
	return &ending{outcome: results.Stopped, err: errors.New(waits.Detail), hint: remedy(waits.Reason)}
}

// stands reports whether nothing but a person brings the run on. Lost replies that
// a person must decide and runs that no key may read any more are under way for
// ever.
func (d *deadEnd) stands(counts job.Counts, waits runner.Waits) bool {
	unknown := counts.Jobs[job.Unknown]
	underWay := counts.Jobs[job.Sending] + counts.Jobs[job.Running] + counts.Jobs[job.Storing]
	switch {
	case waits.Reason == "":
		return false
	case waits.Reason == job.WaitDecision:
		return underWay == 0 && counts.Jobs[job.Queued]+counts.Jobs[job.Admitted] == 0
	case waits.Reason == job.WaitQuarantine && waits.Endless:
		return counts.Jobs[job.Sending]+counts.Jobs[job.Storing] == 0
	case overBudget(waits.Reason) && d.onBudget == manifest.OnBudgetFail:
		return underWay+unknown == 0
	default:
		return waits.Endless && underWay+unknown == 0
	}
}

func overBudget(reason job.WaitReason) bool {
	switch reason {
	case job.WaitBatchCU, job.WaitKeyCU, job.WaitProjectCU, job.WaitTeamCU:
		return true
	default:
		return false
	}
}

// remedy says what a person can do about a wait that does not end by itself.
func remedy(reason job.WaitReason) string {
	switch reason {
	case job.WaitBatchCU:
		return "raise budget.cu in the manifest, or the cap of the batch in the keys file, and run it again; what is made is kept"
	case job.WaitKeyCU, job.WaitProjectCU, job.WaitTeamCU:
		return "raise the cap (NIGHTSHIFT_MAX_CU, or the keys file) or add a key, and run again; what is made is kept"
	case job.WaitAllowance:
		return "buy more CU, raise the key's own limit at the provider, or wait for the next billing period; then run again"
	case job.WaitQuarantine:
		return "give a valid key in SCENARIO_API_KEY and SCENARIO_API_SECRET, or in the keys file, and run again"
	case job.WaitNoKey:
		return "add a key to the pool that may run the model, and run again"
	case job.WaitDecision:
		return "say what became of them with enqueue resolve, then run again"
	default:
		return "mend what it waits for and run again"
	}
}
