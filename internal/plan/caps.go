package plan

import (
	"math/bits"

	"nightshift/internal/job"
)

// Limits are what the batch would run under.
type Limits struct {
	RequestsPerMinute int // of all requests; 0 where there is no such limit
	Parallel          int // inferences at once; 0 where it is not known
	Caps              []Cap
}

// Cap is an amount of CU that may not be passed.
type Cap struct {
	Scope string // for people: "key studio-a", "batch budget"
	// Pool joins the caps of the keys that a batch may use: a job runs on any of
	// them, so what is left of them adds up. A cap without a pool stands alone and
	// binds every job.
	Pool  string
	CU    job.CU
	Spent job.CU // of it, reservations included
}

// CapCheck is a plan's cost against one cap.
type CapCheck struct {
	Scope string `json:"scope"`
	Pool  string `json:"pool,omitempty"`
	CU    job.CU `json:"cu"`
	Spent job.CU `json:"spent"`
	Left  job.CU `json:"left"`
	// Fits says whether the cap, together with the others of its pool, covers the
	// plan.
	Fits bool `json:"fits"`
	// Short is what is missing where it does not.
	Short job.CU `json:"short,omitempty"`
}

// checkCaps compares a cost with every cap.
func checkCaps(caps []Cap, cost job.CU) []CapCheck {
	checks := make([]CapCheck, len(caps))
	pools := make(map[string]job.CU)
	for i, limit := range caps {
		left := max(limit.CU-limit.Spent, 0)
		checks[i] = CapCheck{Scope: limit.Scope, Pool: limit.Pool, CU: limit.CU, Spent: limit.Spent, Left: left}
		pools[limit.Pool] += left
	}
	for i := range checks {
		left := checks[i].Left
		if checks[i].Pool != "" {
			left = pools[checks[i].Pool]
		}
		checks[i].Short = max(cost-left, 0)
		checks[i].Fits = checks[i].Short == 0
	}
	return checks
}

// tightest returns the cap that leaves the most of the cost uncovered, or nil
// where all of them cover it.
func tightest(checks []CapCheck) *CapCheck {
	var worst *CapCheck
	for i := range checks {
		if !checks[i].Fits && (worst == nil || checks[i].Short > worst.Short) {
			worst = &checks[i]
		}
	}
	return worst
}

// affordable is how many of the jobs what is left pays for, when together they
// cost more; exact where all cost the same.
func affordable(jobs int, left, cost job.CU) int {
	high, low := bits.Mul64(uint64(jobs), uint64(left))
	quotient, _ := bits.Div64(high, low, uint64(cost))
	return int(quotient)
}
