package outlook

import (
	"math"
	"math/bits"
	"time"

	"nightshift/internal/job"
)

// Facts are what is known at a moment of a batch whose jobs run.
type Facts struct {
	Spent, Reserved job.CU
	Budget          *job.CU
	Price           job.CU // of the jobs that run, as they were quoted
	Jobs, Queued    int    // that run, and those of them that are not sent yet
	Images, Done    int    // of those jobs
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
// reserved, and for the jobs that are not sent the average price of the jobs that run. No
// more is spent than the budget allows.
func (f *Facts) Cost() job.CU {
	if f.Done >= f.Images || f.Jobs <= 0 || f.Price <= 0 {
		return 0
	}
	known := f.Spent + f.Reserved
	end := known + share(f.Price, min(f.Queued, f.Jobs), f.Jobs)
	if f.Budget != nil {
		end = min(end, max(known, *f.Budget))
	}
	return end
}

// share is the part of an amount that some of all jobs have, without overflow.
func share(amount job.CU, some, all int) job.CU {
	high, low := bits.Mul64(uint64(amount), uint64(max(some, 0)))
	part, _ := bits.Div64(high, low, uint64(all))
	return job.CU(part)
}

// Left is the time until all images are there, 0 if not known: by the pace at which they
// come, and while there is none by the plan.
func (f *Facts) Left() time.Duration {
	remaining := f.Images - f.Done
	if remaining <= 0 || f.Endless {
		return 0
	}
	left := f.Forecast - f.Elapsed
	if f.Pace > 0 {
		left = time.Duration(min(float64(remaining)/f.Pace, math.MaxInt32) * float64(time.Second))
	}
	if left <= 0 {
		return 0
	}
	if f.Queued > 0 {
		left = max(left, f.Wait) // some are not sent before
	}
	return left
}
