package plan

import (
	"cmp"
	"math"
	"slices"
	"time"

	"nightshift/internal/job"
)

// pace is how fast jobs run where CU are plenty.
type pace struct {
	limits  Limits
	run     float64 // seconds of a job, on average
	longest float64 // seconds of the longest
}

// seconds is how long so many jobs take, of which there is at least one, and what
// decides.
func (t *pace) seconds(jobs int) (float64, Bound) {
	took, bound := t.longest+turnaround, BoundRun
	if inTurn := t.inTurn(jobs); inTurn > took {
		took, bound = inTurn, BoundParallel
	}
	if held := t.held(jobs); held > 0 && held+t.longest+scarcePoll > took {
		took, bound = held+t.longest+scarcePoll, BoundRate
	}
	return took, bound
}

// inTurn is how long the jobs take where no more than the ceiling run at once.
func (t *pace) inTurn(jobs int) float64 {
	if t.limits.Parallel <= 0 {
		return 0
	}
	return math.Ceil(float64(jobs)/float64(t.limits.Parallel)) * (t.run + turnaround)
}

// What passes between the end of a run and that it is known, in seconds. Measured: a run
// is looked at every half second, and every 16 s at the most while requests are scarce.
const (
	turnaround = 1.0
	scarcePoll = 10.0
)

// held is how long the last job waits for its place in the request rate. The
// requests of a minute may all be sent at its start, so that a batch which fits
// into one waits for nothing, and any other for whole minutes.
func (t *pace) held(jobs int) float64 {
	if t.limits.RequestsPerMinute <= 0 {
		return 0
	}
	each := float64(t.limits.RequestsPerMinute)
	before := float64(jobs-1)*requestsPerJob + min(earlyLists, earlyShare*each)
	return math.Floor(before/each) * 60
}

// jobsPerSecond is infinite where no limit is known.
func (t *pace) jobsPerSecond() float64 {
	rate := math.Inf(1)
	if t.limits.RequestsPerMinute > 0 {
		rate = float64(t.limits.RequestsPerMinute) / 60 / requestsPerJob
	}
	if t.limits.Parallel > 0 && t.run > 0 {
		rate = min(rate, float64(t.limits.Parallel)/(t.run+turnaround))
	}
	return rate
}

// horizon is how far ahead a forecast looks.
const horizon = 10 * 365 * day

// spending is the course of a batch from period to period.
type spending struct {
	now   time.Time
	cost  job.CU // that is not spent yet
	speed float64
	rooms []headroom // those that come back, changed as time goes by
	scope string     // of the last cap that held the batch up
}

// untilLast goes on to the period in which the rest of the cost is spent, and
// returns how long that is from the start.
func (s *spending) untilLast() time.Duration {
	start := s.now
	for len(s.rooms) > 0 && s.now.Sub(start) < horizon {
		tight, next := s.tight(), s.next()
		spent := min(s.cost, tight.left)
		// Before the period ends, no more is spent than there is time for.
		if most := s.speed * next.Sub(s.now).Seconds(); most < float64(spent) {
			spent = job.CU(most)
		}
		if spent == s.cost {
			break
		}
		if spent == tight.left {
			s.scope = tight.scope
		}
		s.spend(spent, next)
	}
	return s.now.Sub(start)
}

// tight is the room that leaves the least.
func (s *spending) tight() headroom {
	return slices.MinFunc(s.rooms, func(a, b headroom) int { return cmp.Compare(a.left, b.left) })
}

// next is when the next period of any room begins.
func (s *spending) next() time.Time {
	return slices.MinFunc(s.rooms, func(a, b headroom) int { return a.resets.Compare(b.resets) }).resets
}

func (s *spending) spend(spent job.CU, until time.Time) {
	s.cost -= spent
	s.now = until
	for i := range s.rooms {
		r := &s.rooms[i]
		r.left -= spent
		if !r.resets.After(until) {
			r.left, r.resets = r.each, r.resets.Add(r.length)
		}
	}
}
