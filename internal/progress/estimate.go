package progress

import (
	"math"
	"time"
)

const (
	enoughImages   = 5               // that must have landed before their pace counts,
	firstWaves     = 3               // and this many times what the first one took
	recentAtLeast  = 2 * time.Minute // how far the pace looks back,
	recentShare    = 3               // or a third of the run if that is more,
	recentArrivals = 8               // or as many arrivals
	maxArrivals    = 512             // held in memory
	liveliest      = 3 * time.Second // how fast the estimate follows at most,
	calmest        = time.Minute     // and at least,
	calmShare      = 8               // and between: within an eighth of the time left
)

// estimate extrapolates when a run is done from how its images landed lately.
//
// Images land in bursts, several inferences at once, so the pace is measured from
// arrival to arrival, which bursts hardly disturb, and not before the first wave
// of inferences has been followed by others. Time in which nothing could land,
// because a pause was ordered and nothing ran, does not count. What is shown
// follows a new estimate by and by instead of jumping.
type estimate struct {
	seen     time.Time     // of the last observation
	begun    bool          // the run runs
	active   time.Duration // time since then, as far as it counts
	base     int           // images that were there then
	first    time.Duration // when the first of the others landed
	arrivals []arrival     // the recent ones
	paused   bool
	end      time.Time // what is shown; zero if not known
}

// arrival says how many images were there, by the time that counts.
type arrival struct {
	at   time.Duration
	done int
}

// observe takes in a snapshot; now never goes back.
func (e *estimate) observe(now time.Time, s *Snapshot) {
	if s.Phase != Running {
		e.end = time.Time{}
		return
	}
	if !e.begun {
		e.begun, e.seen, e.base = true, now, s.Images.Done
	}
	passed := now.Sub(e.seen)
	e.seen = now
	was := e.paused
	e.paused = s.Waiting.Reason != "" && s.Jobs.Running+s.Jobs.Storing == 0
	if !was {
		e.active += passed
	}
	e.arrive(s.Images.Done)
	left, known := e.extrapolate(now, s)
	switch {
	case !known:
		e.end = time.Time{}
	case e.end.IsZero() || e.paused != was:
		e.end = now.Add(left)
	default:
		e.follow(now.Add(left), left, passed)
	}
}

// left is the time left, and whether it is known.
func (e *estimate) left(now time.Time) (time.Duration, bool) {
	return max(e.end.Sub(now), 0), !e.end.IsZero()
}

func (e *estimate) arrive(done int) {
	latest := e.base
	if len(e.arrivals) > 0 {
		latest = e.arrivals[len(e.arrivals)-1].done
	}
	if done <= latest {
		return
	}
	if len(e.arrivals) == 0 {
		e.first = e.active
	}
	e.arrivals = append(e.arrivals, arrival{e.active, done})
	e.forget()
}

// forget drops the arrivals that are not recent, and every other one of too many.
func (e *estimate) forget() {
	horizon := e.active - max(recentAtLeast, e.active/recentShare)
	old := 0
	for len(e.arrivals)-old > recentArrivals && e.arrivals[old].at < horizon {
		old++
	}
	e.arrivals = append(e.arrivals[:0], e.arrivals[old:]...)
	if len(e.arrivals) <= maxArrivals {
		return
	}
	kept := e.arrivals[:0]
	for i, a := range e.arrivals {
		if i%2 == 0 || i == len(e.arrivals)-1 {
			kept = append(kept, a)
		}
	}
	e.arrivals = kept
}

// extrapolate is the estimate of this moment, calm or not: what an ordered pause
// still takes, and then the remaining images at the pace of the recent ones. While
// no pace is known the plan's forecast stands in for it, as long as it can be true.
func (e *estimate) extrapolate(now time.Time, s *Snapshot) (time.Duration, bool) {
	remaining := s.Images.Total - s.Images.Done
	if remaining <= 0 || e.paused && s.Waiting.Until.IsZero() {
		return 0, false // nobody knows when a pause without a time is over
	}
	pause := time.Duration(0)
	if e.paused {
		pause = max(0, s.Waiting.Until.Sub(now))
	}
	left := s.Forecast - e.active
	if pace := e.pace(); pace > 0 {
		left = time.Duration(min(float64(remaining)/pace, math.MaxInt32) * float64(time.Second))
	}
	if left <= 0 {
		return 0, false
	}
	if s.Jobs.Queued > 0 {
		left = max(left, s.Waiting.Until.Sub(now)) // some are not sent before
	}
	return pause + left, true
}

// pace is how many images a second land lately, 0 while that cannot be said.
func (e *estimate) pace() float64 {
	if len(e.arrivals) < 2 || e.active < firstWaves*e.first {
		return 0
	}
	from, to := e.arrivals[0], e.arrivals[len(e.arrivals)-1]
	if to.done-e.base < enoughImages || to.at == from.at {
		return 0
	}
	// A wait that is longer than any before says that it has become slower.
	overdue := max(0, e.active-to.at-e.longestGap())
	return float64(to.done-from.done) / (to.at - from.at + overdue).Seconds()
}

func (e *estimate) longestGap() time.Duration {
	longest := time.Duration(0)
	for i := 1; i < len(e.arrivals); i++ {
		longest = max(longest, e.arrivals[i].at-e.arrivals[i-1].at)
	}
	return longest
}

// follow moves the end that is shown towards a new one, the slower the further
// away it is.
func (e *estimate) follow(end time.Time, left, passed time.Duration) {
	calm := min(max(left/calmShare, liveliest), calmest)
	share := 1 - math.Exp(-passed.Seconds()/calm.Seconds())
	e.end = e.end.Add(time.Duration(share * float64(end.Sub(e.end))))
}
