package plan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/job"
)

const (
	// requestsPerJob is what one job costs of the request rate: its submission and
	// its share of the job lists and bulk reads that follow it.
	requestsPerJob = 1.25
	// assumedRun is how long an inference takes where no run has been seen.
	assumedRun = 30 * time.Second
	// observedPage is how many recent runs are looked at: one request's worth.
	observedPage = 200
)

// Bound says what keeps a batch from being done sooner.
type Bound string

// The bounds.
const (
	BoundNone     Bound = "none"             // no limit is known, or there is nothing to run
	BoundRate     Bound = "request_rate"     // requests a minute
	BoundParallel Bound = "parallel_ceiling" // inferences that run at once
	BoundCU       Bound = "cu"               // a cap that does not cover the batch
)

// Forecast is how long the jobs of a plan take under the limits.
type Forecast struct {
	// Jobs is how many of the jobs to run the caps let through; about, where jobs
	// of different prices compete for what is left.
	Jobs    int     `json:"jobs"`
	Seconds float64 `json:"seconds"`         // until those are done
	Bound   Bound   `json:"bound"`           // what decides
	Scope   string  `json:"scope,omitempty"` // BoundCU: the cap that runs out first
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
		recent, _, err = caller.catalog.Inferences(ctx, "", observedPage)
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
		if took := run.UpdatedAt.Sub(run.CreatedAt); run.Status == job.RunSucceeded && took > 0 {
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
func (p *Plan) forecast(limits Limits, runs []RunTime, note string) Forecast {
	f := Forecast{Jobs: p.ToRun(), Bound: BoundNone, Runs: runs}
	if note != "" {
		f.Notes = append(f.Notes, note)
	}
	if short := tightest(p.Caps); short != nil {
		f.Jobs = affordable(f.Jobs, p.Cost-short.Short, p.Cost)
		f.Bound, f.Scope = BoundCU, short.Scope
	}
	if f.Jobs == 0 {
		return f
	}
	work, longest := p.work(runs)
	work *= float64(f.Jobs) / float64(p.ToRun())
	if limits.RequestsPerMinute > 0 {
		f.atLeast(longest+float64(f.Jobs)*requestsPerJob/float64(limits.RequestsPerMinute)*60, BoundRate)
	}
	if limits.Parallel > 0 {
		f.atLeast(max(longest, work/float64(limits.Parallel)), BoundParallel)
	} else {
		f.Notes = append(f.Notes, "the ceiling of parallel inferences is not known before the provider names it; a low one makes this longer")
	}
	f.atLeast(longest, f.Bound)
	return f
}

// atLeast lengthens the forecast to the time that a limit takes. A cap that runs
// out stays what decides: it ends the batch before any time does.
func (f *Forecast) atLeast(seconds float64, bound Bound) {
	if seconds <= f.Seconds {
		return
	}
	f.Seconds = seconds
	if f.Bound != BoundCU {
		f.Bound = bound
	}
}

// work is the sum of the run times of all jobs, and the longest of them.
func (p *Plan) work(runs []RunTime) (sum, longest float64) {
	for _, shape := range p.Shapes {
		at, _ := slices.BinarySearchFunc(runs, shape.Model, func(r RunTime, model string) int { return cmp.Compare(r.Model, model) })
		sum += runs[at].Seconds * float64(shape.Jobs)
		longest = max(longest, runs[at].Seconds)
	}
	return sum, longest
}
