package plan

import (
	"cmp"
	"math/bits"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
)

// Limits are what the batch would run under.
type Limits struct {
	RequestsPerMinute int // of all requests; 0 where there is no such limit
	Parallel          int // inferences at once; 0 where it is not known
	Caps              []Cap
	Window            *manifest.Window // in which jobs may start; nil for always
}

// The periods of a cap.
const (
	PeriodTotal = "total" // for good
	PeriodDay   = "day"   // of 24 hours
	PeriodMonth = "month" // counted as 30 days
)

const (
	day   = 24 * time.Hour
	month = 30 * day
)

// Cap is an amount of CU that may not be passed.
type Cap struct {
	Scope string // for people: "key studio-a", "batch budget"
	// Pool joins the caps of the keys that a batch may use: a job runs on any of
	// them, so what is left of them adds up, period by period. Where one of the keys
	// has no cap of a period, the others' caps of it bind nothing and do not belong
	// here. A cap without a pool stands alone and binds every job.
	Pool string
	// Mixed says that the members of the pool have caps of different kinds: what each leaves is
	// what its tightest cap does.
	Mixed bool
	// Period is PeriodTotal, PeriodDay or PeriodMonth; empty is PeriodTotal.
	Period string
	CU     job.CU // in each period
	Spent  job.CU // of it in the present period, reservations included
	// Resets is when the next day or month begins: a whole one from now where it is
	// zero or not in the future.
	Resets time.Time
}

// CapCheck is a plan's cost against one cap.
type CapCheck struct {
	Scope  string     `json:"scope"`
	Pool   string     `json:"pool,omitempty"`
	Period string     `json:"period"`
	CU     job.CU     `json:"cu"`
	Spent  job.CU     `json:"spent"`
	Left   job.CU     `json:"left"`
	Resets *time.Time `json:"resets,omitempty"` // of a day or month
	// Fits says whether the cap, together with the others of its pool and period,
	// covers the plan; that of a day or month with what is left of the present one.
	Fits bool `json:"fits"`
	// Short is what is missing now where it does not.
	Short job.CU `json:"short,omitempty"`
	// Periods is how many days or months of the cap the plan needs at least, the
	// present one included if it has CU left. It is zero for a cap that does not come
	// back, and for a batch that ends where a cap is full. A cap for good has those of the
	// other keys, if some of them have only caps that come back.
	Periods int `json:"periods,omitempty"`
	// Never is how many jobs cost more than a whole day or month of any of the caps,
	// and so never run.
	Never int `json:"never,omitempty"`
}

// checkCaps compares the plan's cost with every cap.
func (p *Plan) checkCaps(caps []Cap, now time.Time) []CapCheck {
	_, rooms := p.rooms(caps, now)
	checks := make([]CapCheck, len(caps))
	for i, limit := range caps {
		r, check := rooms[i], &checks[i]
		*check = CapCheck{
			Scope: limit.Scope, Pool: limit.Pool, Period: limit.period(),
			CU: limit.CU, Spent: limit.Spent, Left: limit.left(), Short: max(p.Cost-r.left, 0),
		}
		if r.length > 0 {
			check.Resets = &r.resets
		}
		if r.comesBack {
			jobs, cost := p.covers(r)
			check.Never = p.ToRun() - jobs
			if length := limit.length(); length == r.length || length == 0 {
				check.Periods = r.periods(cost)
			}
		}
		if limit.Mixed && r.tight[limit.Scope] != limit.period() {
			check.Short, check.Never, check.Periods = 0, 0, 0 // another cap of the same member leaves less
		}
		check.Fits = check.Short == 0 && check.Never == 0
	}
	return checks
}

func (c *Cap) left() job.CU { return max(c.CU-c.Spent, 0) }

func (c *Cap) period() string { return cmp.Or(c.Period, PeriodTotal) }

// length is that of the period, zero where it does not end.
func (c *Cap) length() time.Duration {
	switch c.Period {
	case PeriodDay:
		return day
	case PeriodMonth:
		return month
	default:
		return 0
	}
}

// perPeriod names a cap with its period, for people.
func perPeriod(scope, period string) string {
	if period == PeriodTotal {
		return scope
	}
	return scope + " per " + period
}

// affordable is how many of the jobs what is left pays for, when together they
// cost more; exact where all cost the same.
func affordable(jobs int, left, cost job.CU) int {
	high, low := bits.Mul64(uint64(jobs), uint64(left))
	quotient, _ := bits.Div64(high, low, uint64(cost))
	return int(quotient)
}
