package plan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
)

const (
	// requestsPerJob is what one job of a large batch costs of the request rate: its
	// submission and its share of the job lists and bulk reads that follow it.
	requestsPerJob = 1.25
	// earlyLists is how many job lists are read at the start of a batch beside
	// those, while requests are plenty.
	earlyLists = 20
	// earlyShare is the most that they take of a minute's requests.
	earlyShare = 0.2
	// assumedRun is how long an inference takes where no run has been seen.
	assumedRun = 30 * time.Second
)

// Bound says what keeps a batch from being done sooner.
type Bound string

// The bounds.
const (
	BoundNone     Bound = "none"             // there is nothing to run
	BoundRun      Bound = "inference_time"   // the time of an inference; no limit that is known makes a job wait
	BoundRate     Bound = "request_rate"     // requests a minute
	BoundParallel Bound = "parallel_ceiling" // inferences that run at once
	BoundCU       Bound = "cu"               // a cap that does not cover the batch, or not at once
	BoundWindow   Bound = "window"           // the hours in which the batch may start jobs
)

// Forecast is how long the jobs of a plan take under the limits.
type Forecast struct {
	// Jobs is how many of the jobs to run the caps let through; about, where jobs
	// of different prices compete for what is left.
	Jobs    int     `json:"jobs"`
	Seconds float64 `json:"seconds"`         // until those are done, waiting for days and months of caps included
	Bound   Bound   `json:"bound"`           // what decides
	Scope   string  `json:"scope,omitempty"` // BoundCU: the cap that runs out first or is waited for
	// Runs are the durations that the forecast rests on, by model.
	Runs []RunTime `json:"runs,omitempty"`
	// Notes say what the forecast does not know.
	Notes []string `json:"notes,omitempty"`
}

// RunTime is how long inferences of a model take.
type RunTime struct {
	Model    string  `json:"model"`
	Seconds  float64 `json:"seconds"`  // the median of the observed runs, or an assumption
	Observed int     `json:"observed"` // how many recent runs were seen; 0: assumed
}

// Duration is the forecast's time.
func (f *Forecast) Duration() time.Duration {
	return time.Duration(f.Seconds * float64(time.Second)).Round(time.Second)
}

// observe lists recent runs and returns how long those of the models took. The
// forecast can do without, so a list that fails becomes a note.
func observe(ctx context.Context, caller *caller, models []string) ([]RunTime, string, error) {
	var recent []job.Inference
	err := caller.do(ctx, func(ctx context.Context) (err error) {
		recent, err = caller.catalog.Recent(ctx)
		return err
	})
	note := ""
	if err != nil {
		if ctx.Err() != nil {
			return nil, "", fmt.Errorf("list recent runs: %w", err)
		}
		note = fmt.Sprintf("recent runs could not be listed, so durations are assumed: %v", err)
	}
	seen := make(map[string][]time.Duration)
	for _, run := range recent {
		took := run.UpdatedAt.Sub(run.CreatedAt)
		if run.Status == job.RunSucceeded && !run.CreatedAt.IsZero() && took > 0 {
			seen[run.Model] = append(seen[run.Model], took)
		}
	}
	times := make([]RunTime, len(models))
	for i, model := range models {
		times[i] = RunTime{Model: model, Seconds: assumedRun.Seconds()}
		if runs := seen[model]; len(runs) > 0 {
			slices.Sort(runs)
			times[i].Seconds = runs[len(runs)/2].Seconds()
			times[i].Observed = len(runs)
		}
	}
	return times, note, nil
}

// forecast works out the time of the jobs that run, of which there is at least
// one, from the limits and the caps.
func (p *Plan) forecast(now time.Time, limits Limits, runs []RunTime, note string) Forecast {
	f := Forecast{Jobs: p.ToRun(), Bound: BoundNone, Runs: runs}
	if note != "" {
		f.Notes = append(f.Notes, note)
	}
	rooms, _ := p.rooms(limits.Caps, now)
	fit := p.fit(rooms)
	f.Jobs = fit.jobs
	cost := fit.cost
	if fit.scope != "" {
		f.Bound, f.Scope = BoundCU, fit.scope
	}
	if f.Jobs == 0 {
		return f
	}
	t := p.pace(limits, runs)
	seconds, bound := t.seconds(f.Jobs)
	f.Seconds = seconds
	if f.Bound != BoundCU { // a cap that runs out ends the batch before any time does
		f.Bound = bound
	}
	if limits.Parallel <= 0 {
		f.Notes = append(f.Notes, "the ceiling of parallel inferences is not known before the provider names it; a low one makes this longer")
	}
	f.waitForCU(now, rooms, cost, t)
	f.waitForWindow(now, limits.Window, t.longest)
	return f
}

// waitForWindow lengthens the forecast by the hours in which no job may start; the last
// takes so many seconds.
func (f *Forecast) waitForWindow(now time.Time, window *manifest.Window, last float64) {
	if window == nil {
		return
	}
	at, left := now, time.Duration(max(f.Seconds-last, 0)*float64(time.Second))
	for at.Sub(now) < horizon {
		at = window.Next(at)
		open := window.Closes(at).Sub(at)
		if left < open {
			at = at.Add(left)
			break
		}
		at, left = at.Add(open), left-open
	}
	if seconds := at.Sub(now).Seconds() + last; seconds > f.Seconds+1 {
		f.Seconds = seconds
		if f.Bound != BoundCU {
			f.Bound = BoundWindow
		}
	}
}

// waitForCU lengthens the forecast to the day or month in which the last of the
// cost is spent.
func (f *Forecast) waitForCU(now time.Time, rooms []*headroom, cost job.CU, t *pace) {
	s := spending{now: now, cost: cost, speed: t.jobsPerSecond() * float64(cost) / float64(f.Jobs)}
	for _, r := range rooms {
		if r.comesBack {
			s.rooms = append(s.rooms, *r)
		}
	}
	waited := s.untilLast()
	if s.scope == "" {
		return
	}
	if f.Bound != BoundCU { // otherwise a cap that ends the batch stays what decides
		f.Bound, f.Scope = BoundCU, s.scope
	}
	last, _ := t.seconds(max(affordable(f.Jobs, s.cost, cost), 1))
	f.Seconds = max(f.Seconds, waited.Seconds()+last)
	if waited >= horizon {
		f.Notes = append(f.Notes, "under the caps the batch takes more than ten years")
	}
}

// pace is how fast the jobs of the plan run.
func (p *Plan) pace(limits Limits, runs []RunTime) *pace {
	t := &pace{limits: limits}
	for _, shape := range p.Shapes {
		at, _ := slices.BinarySearchFunc(runs, shape.Model, func(r RunTime, model string) int { return cmp.Compare(r.Model, model) })
		t.run += runs[at].Seconds * float64(shape.Jobs) / float64(p.ToRun())
		t.longest = max(t.longest, runs[at].Seconds)
	}
	seconds := make(map[string]float64, len(runs))
	for _, run := range runs {
		seconds[run.Model] = run.Seconds
	}
	t.longest = max(t.longest, p.longestChain(seconds))
	return t
}
