package simulator

import (
	"math/rand/v2"
	"slices"
	"time"

	"nightshift/internal/job"
)

// The statuses of a job. Scenario API: these eight.
const (
	statusPending    = "pending"
	statusQueued     = "queued"
	statusWarmingUp  = "warming-up"
	statusInProgress = "in-progress"
	statusFinalizing = "finalizing"
	statusSuccess    = "success"
	statusFailure    = "failure"
	statusCanceled   = "canceled"
)

func statuses() []string {
	return []string{statusPending, statusQueued, statusWarmingUp, statusInProgress,
		statusFinalizing, statusSuccess, statusFailure, statusCanceled}
}

// run is one accepted generation, or the job that stands for an upload in parts. All of it is settled when it is accepted; what
// is asked later only depends on the time.
type run struct {
	id       string
	number   int     // place among the runs of its tenant, from 0
	upload   *upload // that it stands for: then it has this, id, key and times alone
	key      *Key
	model    *model
	input    job.Inputs // as sent
	prompt   string
	quoted   price
	charge   price
	accepted time.Time
	stages   []stage // in order of time; the last is the end
	ending   ending
	assets   []*asset
	listed   time.Time // when lists begin to show it
	hidden   bool      // a text asset stands for its prompt everywhere
	fault    FaultKind // the fault that befell its submission, if any
	lie      *drawnFault
	// strangeUntil is until when its status is one that the reference does not name.
	strangeUntil time.Time
	clock        time.Duration // how far its own times are ahead
	lowBill      *drawnFault   // it shows less than its bill
	shows        []*asset      // in place of its own; nil if those
}

// stage is a status and the time from which a run has it.
type stage struct {
	status string
	at     time.Time
}

// ending is how a run ends.
type ending struct {
	status  string
	failure string // metadata.error
	hint    string // metadata.hint
	// keepsCharge is billing.disableRefund. Scenario API: failed jobs are
	// refunded except where it is set.
	keepsCharge bool
}

// newStages lays the statuses of a run over its latency. Scenario API: pending for
// 134 ms, queued for 0.6 s, then in-progress until the end were seen; a run now
// and then passes through warming-up.
func newStages(accepted time.Time, latency time.Duration, end string, random *rand.Rand) []stage {
	part := func(share float64, most time.Duration) time.Time {
		return accepted.Add(min(time.Duration(share*float64(latency)), most))
	}
	stages := []stage{{statusPending, accepted}, {statusQueued, part(0.03, 134*time.Millisecond)}}
	if random.Float64() < 0.15 {
		stages = append(stages, stage{statusWarmingUp, part(0.08, 400*time.Millisecond)})
	}
	return append(stages,
		stage{statusInProgress, part(0.15, 768*time.Millisecond)},
		stage{statusFinalizing, accepted.Add(time.Duration(0.96 * float64(latency)))},
		stage{end, accepted.Add(latency)},
	)
}

// at returns the stages that a run has passed by now; there is always one.
func (r *run) at(now time.Time) []stage {
	next := slices.IndexFunc(r.stages, func(s stage) bool { return s.at.After(now) })
	if next < 0 {
		return r.stages
	}
	return r.stages[:max(1, next)]
}

func (r *run) status(now time.Time) string {
	passed := r.at(now)
	return passed[len(passed)-1].status
}

func (r *run) ends() time.Time { return r.stages[len(r.stages)-1].at }

func (r *run) ended(now time.Time) bool { return !r.ends().After(now) }

func (r *run) succeeded(now time.Time) bool {
	return r.ended(now) && r.ending.status == statusSuccess
}

// refund is what comes back when the run has ended.
func (r *run) refund() job.CU {
	if r.ending.status == statusSuccess || r.ending.keepsCharge {
		return 0
	}
	return r.charge.total()
}

// progress is between 0 and 1. Scenario API: it often stays near 0 until the end.
func (r *run) progress(now time.Time) float64 {
	switch r.status(now) {
	case statusSuccess:
		return 1
	case statusInProgress:
		return 0.05
	case statusFinalizing:
		return 0.95
	default:
		return 0
	}
}
