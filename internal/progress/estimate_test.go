package progress

import (
	"math/rand/v2"
	"testing"
	"time"

	"nightshift/internal/job"
)

// course is a run as the estimate sees it: what a snapshot says after a time.
type course func(elapsed time.Duration) Snapshot

// follow watches a course four times a second for a time and returns what was
// shown last, and the largest jump on the way between two shown ends.
func follow(e *estimate, c course, from, to time.Duration) (left time.Duration, known bool, jump time.Duration) {
	var end time.Time
	for elapsed := from; elapsed <= to; elapsed += liveEvery {
		now, s := noon.Add(elapsed), c(elapsed)
		e.observe(now, &s)
		left, known = e.left(now)
		if shown := now.Add(left); known && !end.IsZero() {
			jump = max(jump, shown.Sub(end).Abs())
		}
		if end = (time.Time{}); known {
			end = now.Add(left)
		}
	}
	return left, known, jump
}

// waves is a run in which so many inferences at once end every so often, each with
// a little delay of its own.
func waves(total, ceiling int, length time.Duration) course {
	random := rand.New(rand.NewPCG(1, 2))
	lands := make([]time.Duration, total)
	for i := range lands {
		lands[i] = time.Duration(i/ceiling+1)*length + time.Duration(random.Int64N(int64(length/10)))
	}
	return func(elapsed time.Duration) Snapshot {
		s := Snapshot{Phase: Running}
		s.Images.Total = total
		for _, at := range lands {
			if at <= elapsed {
				s.Images.Done++
			}
		}
		s.Jobs.Running = min(ceiling, total-s.Images.Done)
		return s
	}
}

// steady is a run whose images land one by one at a pace, the first after a while.
func steady(total int, first, each time.Duration) course {
	return func(elapsed time.Duration) Snapshot {
		s := Snapshot{Phase: Running}
		s.Images.Total, s.Jobs.Running = total, 1
		if elapsed >= first {
			s.Images.Done = min(total, int((elapsed-first)/each)+1)
		}
		return s
	}
}

func withForecast(c course, forecast time.Duration) course {
	return func(elapsed time.Duration) Snapshot {
		s := c(elapsed)
		s.Forecast = forecast
		return s
	}
}

// The time left is near the truth once the run has found its pace, and what is
// shown never jumps.
func TestEstimateIsNearTheTruthAndCalm(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		course  course
		at, end time.Duration
	}{
		"one by one":          {steady(800, 30*time.Second, 750*time.Millisecond), 5 * time.Minute, 10*time.Minute + 30*time.Second},
		"waves of six":        {waves(200, 6, 20*time.Second), 4 * time.Minute, 11*time.Minute + 20*time.Second},
		"waves of a hundred":  {waves(3000, 100, 30*time.Second), 5 * time.Minute, 15 * time.Minute},
		"wrong forecast":      {withForecast(waves(200, 6, 20*time.Second), time.Hour), 6 * time.Minute, 11*time.Minute + 20*time.Second},
		"slow, one at a time": {steady(100, 3*time.Minute, 3*time.Minute), 2 * time.Hour, 5 * time.Hour},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var e estimate
			left, known, jump := follow(&e, test.course, 0, test.at)
			truth := test.end - test.at
			if !known || left < truth*3/4 || left > truth*5/4 {
				t.Errorf("after %v: %v left (known: %v), truly %v", test.at, left, known, truth)
			}
			if allowed := max(truth/20, 30*time.Second); jump > allowed {
				t.Errorf("the end that is shown jumped by %v", jump)
			}
		})
	}
}

func TestEstimateUsesTheForecastUntilImagesLand(t *testing.T) {
	t.Parallel()
	var e estimate
	c := withForecast(waves(100, 5, 30*time.Second), 10*time.Minute)
	left, known, _ := follow(&e, c, 0, 20*time.Second)
	if want := 10*time.Minute - 20*time.Second; !known || (left-want).Abs() > time.Second {
		t.Errorf("%v left (known: %v), want %v", left, known, want)
	}
}

func TestEstimateIsUnknown(t *testing.T) {
	t.Parallel()
	quarantined := func(time.Duration) Snapshot {
		s := Snapshot{Phase: Running, Forecast: time.Hour, Waiting: Wait{Reason: job.WaitQuarantine}}
		s.Images.Total = 10
		return s
	}
	tests := map[string]course{
		"nothing landed":        waves(100, 5, 30*time.Second),
		"all done":              waves(5, 5, time.Second),
		"nobody knows how long": quarantined,
		"planning":              func(time.Duration) Snapshot { return Snapshot{Phase: Planning, Forecast: time.Hour} },
		"stopping":              func(time.Duration) Snapshot { return Snapshot{Phase: Stopping, Forecast: time.Hour} },
		"forecast is over":      withForecast(waves(100, 5, 30*time.Second), 10*time.Second),
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var e estimate
			if left, known, _ := follow(&e, c, 0, 20*time.Second); known {
				t.Errorf("%v left", left)
			}
		})
	}
}

// An ordered pause counts in full at once, and the time it takes does not slow the
// pace: after it the estimate is what it was before.
func TestEstimateOverAPause(t *testing.T) {
	t.Parallel()
	const before, pause = 5 * time.Minute, 40 * time.Minute
	running := steady(1200, time.Second, time.Second)
	c := func(elapsed time.Duration) Snapshot {
		if elapsed <= before {
			return running(elapsed)
		}
		if elapsed > before+pause {
			return running(elapsed - pause)
		}
		s := running(before)
		s.Jobs.Running = 0
		s.Waiting = Wait{Reason: job.WaitCooldown, Until: noon.Add(before + pause)}
		return s
	}
	var e estimate
	steps := []struct{ at, want time.Duration }{
		{before, 15 * time.Minute},
		{before + time.Second, 15*time.Minute + pause},
		{before + pause, 15 * time.Minute},
		{before + pause + time.Minute, 14 * time.Minute},
	}
	from := time.Duration(0)
	for _, step := range steps {
		left, known, _ := follow(&e, c, from, step.at)
		if !known || (left-step.want).Abs() > time.Minute {
			t.Errorf("after %v: %v left (known: %v), want about %v", step.at, left, known, step.want)
		}
		from = step.at + liveEvery
	}
}

// Nothing queued is done before the wait for sending it is over, even while others
// still run.
func TestEstimateIsNotBeforeTheEndOfAWait(t *testing.T) {
	t.Parallel()
	running := steady(400, time.Second, time.Second)
	c := func(elapsed time.Duration) Snapshot {
		s := running(elapsed)
		s.Jobs.Queued = 10
		s.Waiting = Wait{Reason: job.WaitCooldown, Until: noon.Add(time.Hour)}
		return s
	}
	var e estimate
	left, known, _ := follow(&e, c, 0, 5*time.Minute)
	if want := 55 * time.Minute; !known || (left-want).Abs() > time.Second {
		t.Errorf("%v left (known: %v), want %v", left, known, want)
	}
}

// When nothing lands any more, the time left grows instead of staying hopeful.
func TestEstimateOfAStall(t *testing.T) {
	t.Parallel()
	running := steady(1200, time.Second, time.Second)
	c := func(elapsed time.Duration) Snapshot { return running(min(elapsed, 5*time.Minute)) }
	var e estimate
	hopeful, _, _ := follow(&e, c, 0, 5*time.Minute)
	later, known, _ := follow(&e, c, 5*time.Minute, 20*time.Minute)
	if !known || later < 3*hopeful {
		t.Errorf("%v left, and after 15 minutes without an image %v (known: %v)", hopeful, later, known)
	}
}

// What earlier runs left is there at once and says nothing about the pace.
func TestEstimateOfAResumedRun(t *testing.T) {
	t.Parallel()
	running := steady(600, 30*time.Second, time.Second)
	c := func(elapsed time.Duration) Snapshot {
		s := running(elapsed)
		s.Images.Done += 5000
		s.Images.Total += 5000
		return s
	}
	var e estimate
	left, known, _ := follow(&e, c, 0, 4*time.Minute)
	if want := 6*time.Minute + 30*time.Second; !known || (left-want).Abs() > time.Minute {
		t.Errorf("%v left (known: %v), want about %v", left, known, want)
	}
}

// A night of a million images is remembered in little memory.
func TestEstimateForgets(t *testing.T) {
	t.Parallel()
	var e estimate
	follow(&e, steady(1_000_000, time.Second, 30*time.Millisecond), 0, 4*time.Hour)
	if len(e.arrivals) > maxArrivals || cap(e.arrivals) > 4*maxArrivals {
		t.Errorf("%d arrivals are held (room for %d)", len(e.arrivals), cap(e.arrivals))
	}
}

func TestProjector(t *testing.T) {
	t.Parallel()
	var p projector
	s := Snapshot{Phase: Running}
	s.CU.Spent, s.Images.Total = 100*job.OneCU, 100
	if got := p.observe(&s); got != 0 {
		t.Errorf("before any image: %v", got)
	}
	s.Images.Done, s.CU.Spent = 20, 140*job.OneCU
	if got, want := p.observe(&s), 300*job.OneCU; got != want {
		t.Errorf("after 20 of 100 images for 40 CU on top of 100: %v, want %v", got, want)
	}
}
