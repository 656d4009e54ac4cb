package plan

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
)

func TestForecast(t *testing.T) {
	t.Parallel()
	runs := []RunTime{{Model: "a", Seconds: 19}, {Model: "b", Seconds: 39}}
	capOf := func(left job.CU) []Cap { return []Cap{{Scope: "batch budget", CU: left + 5, Spent: 5}} }
	tests := []struct {
		name   string
		jobs   int // of model a, at 2 CU each
		limits Limits
		want   Forecast
	}{
		{"request rate decides", 800, Limits{RequestsPerMinute: 100, Parallel: 100}, Forecast{Jobs: 800, Seconds: 629, Bound: BoundRate}},
		{"a minute's requests are enough", 64, Limits{RequestsPerMinute: 100, Parallel: 100}, Forecast{Jobs: 64, Seconds: 20, Bound: BoundRun}},
		{"a minute's requests are not enough", 65, Limits{RequestsPerMinute: 100, Parallel: 100}, Forecast{Jobs: 65, Seconds: 89, Bound: BoundRate}},
		{"a low rate", 4, Limits{RequestsPerMinute: 2, Parallel: 100}, Forecast{Jobs: 4, Seconds: 149, Bound: BoundRate}},
		{"the ceiling holds back more than the rate", 90, Limits{RequestsPerMinute: 100, Parallel: 10}, Forecast{Jobs: 90, Seconds: 180, Bound: BoundParallel}},
		{"ceiling decides", 200, Limits{RequestsPerMinute: 6000, Parallel: 6}, Forecast{Jobs: 200, Seconds: 34 * 20, Bound: BoundParallel}},
		{"a second turn", 7, Limits{RequestsPerMinute: 100, Parallel: 6}, Forecast{Jobs: 7, Seconds: 40, Bound: BoundParallel}},
		{"a single job takes its run", 1, Limits{RequestsPerMinute: 100, Parallel: 6}, Forecast{Jobs: 1, Seconds: 20, Bound: BoundRun}},
		{"a single job at the lowest rate", 1, Limits{RequestsPerMinute: 1, Parallel: 6}, Forecast{Jobs: 1, Seconds: 20, Bound: BoundRun}},
		{"budget covers", 100, Limits{RequestsPerMinute: 60, Parallel: 9, Caps: capOf(200_000)}, Forecast{Jobs: 100, Seconds: 12 * 20, Bound: BoundParallel}},
		{"budget covers a part", 100, Limits{Parallel: 10, Caps: capOf(101_000)}, Forecast{Jobs: 50, Seconds: 100, Bound: BoundCU, Scope: "batch budget"}},
		{"budget is used up", 100, Limits{Parallel: 10, Caps: capOf(0)}, Forecast{Bound: BoundCU, Scope: "batch budget"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cost := job.CU(test.jobs) * 2 * job.OneCU
			p := &Plan{New: test.jobs, Cost: cost, Shapes: []Shape{{Model: "a", Jobs: test.jobs, Each: 2 * job.OneCU, Total: cost}}}
			test.want.Runs = runs
			if diff := cmp.Diff(test.want, p.forecast(tonight, test.limits, runs, "")); diff != "" {
				t.Errorf("forecast (-want +got):\n%s", diff)
			}
		})
	}
}

// Jobs start in the hours of the window alone; what has started ends outside of it.
func TestForecastWaitsForTheWindow(t *testing.T) {
	t.Parallel()
	at := func(hour, minute int) time.Time { return time.Date(2026, 3, 1, hour, minute, 0, 0, time.UTC) }
	window := &manifest.Window{From: 22 * time.Hour, To: 6 * time.Hour, Location: time.UTC}
	cases := map[string]struct {
		now   time.Time
		jobs  int // ten at once, a minute each: 600 an hour
		hours float64
		bound Bound
	}{
		"within it":               {at(23, 0), 600, 1, BoundParallel},
		"before it":               {at(20, 0), 600, 3, BoundWindow},
		"over its end":            {at(5, 0), 1200, 18, BoundWindow},
		"over several":            {at(22, 0), 600 * 20, 24 + 24 + 4, BoundWindow},
		"the last ends behind it": {at(5, 0), 600, 1, BoundParallel},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &Plan{New: c.jobs, Shapes: []Shape{{Model: "a", Jobs: c.jobs}}}
			f := p.forecast(c.now, Limits{Parallel: 10, Window: window}, []RunTime{{Model: "a", Seconds: 59}}, "")
			if f.Bound != c.bound || math.Abs(f.Seconds/3600-c.hours) > 0.05 {
				t.Errorf("%.2f hours, %s; want %.2f, %s", f.Seconds/3600, f.Bound, c.hours, c.bound)
			}
		})
	}
}

func TestForecastSaysThatTheCeilingIsUnknown(t *testing.T) {
	t.Parallel()
	p := &Plan{New: 10, Shapes: []Shape{{Model: "a", Jobs: 10}}}
	f := p.forecast(tonight, Limits{RequestsPerMinute: 100}, []RunTime{{Model: "a", Seconds: 29}}, "the list is away")
	if len(f.Notes) != 2 || f.Bound != BoundRun || f.Seconds != 30 {
		t.Errorf("notes %q, %g s, bound %s; want the list's note and one on the ceiling, and the 30 s of a run", f.Notes, f.Seconds, f.Bound)
	}
}

func TestAffordable(t *testing.T) {
	t.Parallel()
	const huge = job.CU(1) << 52
	for _, test := range []struct {
		jobs       int
		left, cost job.CU
		want       int
	}{
		{3, 20, 30, 2},
		{3, 19, 30, 1},
		{10, 0, 30, 0},
		{1_000_000_000, huge - 1, huge, 999_999_999},
	} {
		if got := affordable(test.jobs, test.left, test.cost); got != test.want {
			t.Errorf("affordable(%d, %d, %d) = %d, want %d", test.jobs, test.left, test.cost, got, test.want)
		}
	}
}

// listing is a catalog that only lists runs.
type listing struct {
	Catalog
	runs []job.Inference
}

func (l listing) Recent(context.Context) ([]job.Inference, error) {
	return l.runs, nil
}

func TestObservedRuns(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	run := func(model string, status job.RunStatus, seconds int) job.Inference {
		return job.Inference{Model: model, Status: status, CreatedAt: start, UpdatedAt: start.Add(time.Duration(seconds) * time.Second)}
	}
	catalog := listing{runs: []job.Inference{
		run("a", job.RunSucceeded, 90),
		run("a", job.RunSucceeded, 12),
		run("a", job.RunFailed, 1),
		run("a", job.RunSucceeded, 15),
		run("b", job.RunActive, 3),
		run("c", job.RunSucceeded, 7),
		{Model: "a", Status: job.RunSucceeded, UpdatedAt: start}, // its begin could not be read
	}}
	got, note, err := observe(t.Context(), &caller{catalog: catalog}, []string{"a", "b"})
	if err != nil || note != "" {
		t.Fatalf("error %v, note %q", err, note)
	}
	want := []RunTime{{Model: "a", Seconds: 15, Observed: 3}, {Model: "b", Seconds: 30}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run times (-want +got):\n%s", diff)
	}
}
