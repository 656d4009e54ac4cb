package outlook

import (
	"math"
	"math/bits"
	"time"

	"nightshift/internal/job"
)

// Facts are what is known at a moment of a batch whose jobs run.
type Facts struct {
	Now             time.Time
	Spent, Reserved job.CU
	Budget          *job.CU
	// Caps are what other caps leave.
	Caps         []job.Headroom
	Price        job.CU // of the jobs that run, as they were quoted
	Jobs, Queued int    // that run, and those of them that are not sent yet
	// Rest is what those that are not sent were quoted; nil where only the average is known.
	Rest         *job.CU
	Images, Done int // of those jobs
	// Pace is in images a second, by those that came lately; 0 if not known.
	Pace float64
	// Forecast is how long all takes by the plan; 0 if not known.
	Forecast time.Duration
	Elapsed  time.Duration // since the first job was given out
	// Wait is for how long nothing is sent, and Endless that only a person ends that.
	Wait    time.Duration
	Endless bool
}

// Cost is what will have been spent in the end, 0 if nothing more will be: what is spent and
// reserved, and what the jobs were quoted that are not sent. No
// more is spent than the budget and the caps allow that do not come back.
func (f *Facts) Cost() job.CU {
	if f.Done >= f.Images || f.Jobs <= 0 || f.Price <= 0 {
		return 0
	}
	rest := f.rest()
	for _, c := range f.caps() {
		if c.Renews.IsZero() {
			rest = min(rest, f.whole(c.Left))
		}
	}
	return f.Spent + f.Reserved + rest
}

// caps are all that there are, the budget among them.
func (f *Facts) caps() []job.Headroom {
	if f.Budget == nil {
		return f.Caps
	}
	left := max(0, *f.Budget-f.Spent-f.Reserved)
	return append([]job.Headroom{{Left: left}}, f.Caps...)
}

// rest is the price of the jobs that are not sent.
func (f *Facts) rest() job.CU {
	switch {
	case f.Queued <= 0:
		return 0
	case f.Rest != nil:
		return *f.Rest
	default:
		return share(f.Price, min(f.Queued, f.Jobs), f.Jobs)
	}
}

// whole is what of an amount is spent, if each job that is not sent takes their average price or
// nothing.
func (f *Facts) whole(left job.CU) job.CU {
	rest := f.rest()
	if left >= rest {
		return left
	}
	if each := rest / job.CU(f.Queued); each > 0 {
		left -= left % each
	}
	return left
}

// share is the part of an amount that some of all jobs have, without overflow.
func share(amount job.CU, some, all int) job.CU {
	high, low := bits.Mul64(uint64(amount), uint64(max(some, 0)))
	part, _ := bits.Div64(high, low, uint64(all))
	return job.CU(part)
}

// Left is the time until all images are there, 0 if not known: by the pace at which they
// come, and while there is none by the plan. Where a cap keeps some of them back it is that
// until it has come back often enough, and not known if it does not.
func (f *Facts) Left() time.Duration {
	remaining := f.Images - f.Done
	if remaining <= 0 || f.Endless {
		return 0
	}
	renewed, covered := f.renewed()
	if !covered {
		return 0
	}
	left := f.Forecast - f.Elapsed
	if f.Pace > 0 {
		left = time.Duration(min(float64(remaining)/f.Pace, math.MaxInt32) * float64(time.Second))
	}
	if left <= 0 {
		return renewed
	}
	if f.Queued > 0 {
		left = max(left, f.Wait, renewed) // some are not sent before
	}
	return left
}

// renewed is how long it takes until the caps pay for the rest of the jobs; covered is false
// where they never do.
func (f *Facts) renewed() (after time.Duration, covered bool) {
	if f.Jobs <= 0 || f.Queued <= 0 {
		return 0, true
	}
	rest := f.rest()
	for _, c := range f.caps() {
		switch short, each := rest-f.whole(c.Left), f.whole(c.Each); {
		case short <= 0:
		case c.Renews.IsZero() || each <= 0:
			return 0, false
		default:
			periods := (short + each - 1) / each
			after = max(after, c.Renews.Sub(f.Now)+time.Duration(periods-1)*c.Period)
		}
	}
	return after, true
}
