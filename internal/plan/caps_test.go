package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
)

// tonight is two hours before midnight, when the days of the tests' caps begin.
var (
	tonight  = time.Date(2026, 11, 1, 22, 0, 0, 0, time.UTC)
	midnight = tonight.Add(2 * time.Hour)
)

// shapeOf is jobs of model a at a price, in CU.
func shapeOf(jobs int, each job.CU) Shape {
	return Shape{Model: "a", Jobs: jobs, Each: each * job.OneCU, Total: each * job.OneCU * job.CU(jobs)}
}

func planOf(shapes ...Shape) *Plan {
	p := &Plan{Shapes: shapes, onBudget: manifest.OnBudgetWait}
	for _, shape := range shapes {
		p.New += shape.Jobs
		p.Cost += shape.Total
	}
	return p
}

// daily is the cap of a key a day.
func daily(key, pool string, cu, spent job.CU) Cap {
	return Cap{Scope: "key " + key, Pool: pool, Period: PeriodDay, CU: cu * job.OneCU, Spent: spent * job.OneCU, Resets: midnight}
}

// total is the cap of a key for good, in a pool.
func total(key string, cu job.CU) Cap {
	return Cap{Scope: "key " + key, Pool: "keys", Period: PeriodTotal, CU: cu * job.OneCU}
}

func mixed(caps ...Cap) []Cap {
	for i := range caps {
		caps[i].Mixed = true
	}
	return caps
}

func TestCheckCaps(t *testing.T) {
	t.Parallel()
	got := planOf(shapeOf(80, 1)).checkCaps([]Cap{
		{Scope: "batch budget", CU: 100_000, Spent: 40_000},
		{Scope: "key a", Pool: "main", CU: 50_000, Spent: 10_000},
		{Scope: "key b", Pool: "main", CU: 50_000},
		{Scope: "team", Period: PeriodTotal, CU: 10_000, Spent: 30_000},
		daily("a", "main", 30, 0),
		daily("b", "main", 30, 10),
		{Scope: "team", Period: PeriodMonth, CU: 90_000},
	}, tonight)
	nextMonth := tonight.Add(month)
	want := []CapCheck{
		{Scope: "batch budget", Period: PeriodTotal, CU: 100_000, Spent: 40_000, Left: 60_000, Short: 20_000},
		{Scope: "key a", Pool: "main", Period: PeriodTotal, CU: 50_000, Spent: 10_000, Left: 40_000, Fits: true},
		{Scope: "key b", Pool: "main", Period: PeriodTotal, CU: 50_000, Left: 50_000, Fits: true},
		{Scope: "team", Period: PeriodTotal, CU: 10_000, Spent: 30_000, Short: 80_000},
		{Scope: "key a", Pool: "main", Period: PeriodDay, CU: 30_000, Left: 30_000, Resets: &midnight, Short: 30_000, Periods: 2},
		{Scope: "key b", Pool: "main", Period: PeriodDay, CU: 30_000, Spent: 10_000, Left: 20_000, Resets: &midnight, Short: 30_000, Periods: 2},
		{Scope: "team", Period: PeriodMonth, CU: 90_000, Left: 90_000, Resets: &nextMonth, Fits: true, Periods: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
}

// TestPeriods plans under caps that come back. Jobs take 20 seconds each, ten at a
// time.
func TestPeriods(t *testing.T) {
	t.Parallel()
	pooled := []Cap{daily("a", "main", 100, 0), daily("b", "main", 100, 0)}
	used := []Cap{daily("a", "main", 100, 100), daily("b", "main", 100, 120)}
	partly := []Cap{daily("a", "main", 100, 100), daily("b", "main", 100, 50)}
	team := Cap{Scope: "team", Period: PeriodMonth, CU: 1000 * job.OneCU, Spent: 800 * job.OneCU, Resets: tonight.Add(5 * day)}
	budget := Cap{Scope: "batch budget", CU: 250 * job.OneCU}
	soon := daily("a", "", 1000, 0)
	soon.Resets = tonight.Add(10 * time.Second)
	undated := daily("a", "", 100, 0)
	undated.Resets = time.Time{}
	tests := []struct {
		name    string
		plan    *Plan
		caps    []Cap
		periods int // of the first cap
		never   int
		jobs    int
		took    time.Duration
		bound   Bound
		scope   string
	}{
		{"fits today", planOf(shapeOf(20, 10)), pooled, 1, 0, 20, 40 * time.Second, BoundParallel, ""},
		{"takes two days", planOf(shapeOf(35, 10)), pooled, 2, 0, 35, 2*time.Hour + 40*time.Second, BoundCU, "key a per day"},
		{"takes two whole days", planOf(shapeOf(40, 10)), pooled, 2, 0, 40, 2*time.Hour + 40*time.Second, BoundCU, "key a per day"},
		{"takes three days", planOf(shapeOf(41, 10)), pooled, 3, 0, 41, 26*time.Hour + 20*time.Second, BoundCU, "key a per day"},
		{"nothing is left today", planOf(shapeOf(35, 10)), used, 2, 0, 35, 26*time.Hour + 40*time.Second, BoundCU, "key a per day"},
		{"less is left today", planOf(shapeOf(35, 10)), partly, 3, 0, 35, 26*time.Hour + 20*time.Second, BoundCU, "key a per day"},
		{"what is left today is too little for a second job", planOf(shapeOf(3, 60)), pooled, 2, 0, 3, 2*time.Hour + 20*time.Second, BoundCU, "key a per day"},
		{"a day is too little for a second job", planOf(shapeOf(5, 60)), pooled, 3, 0, 5, 26*time.Hour + 20*time.Second, BoundCU, "key a per day"},
		{"covered but for one that no key pays", planOf(shapeOf(1, 10), shapeOf(1, 120)), pooled, 1, 1, 1, 20 * time.Second, BoundCU, "key a per day"},
		{"too dear for a day", planOf(shapeOf(5, 120)), pooled, 0, 5, 0, 0, BoundCU, "key a per day"},
		{"some are too dear for a day", planOf(shapeOf(20, 10), shapeOf(2, 120)), pooled, 1, 2, 20, 40 * time.Second, BoundCU, "key a per day"},
		{"a cap of none", planOf(shapeOf(5, 1)), []Cap{daily("a", "", 0, 0)}, 0, 5, 0, 0, BoundCU, "key a per day"},
		{"a month stands behind the days", planOf(shapeOf(50, 10)), append(pooled, team), 3, 0, 50,
			5*24*time.Hour + 2*time.Hour + 20*time.Second, BoundCU, "key a per day"},
		{"a budget ends it before", planOf(shapeOf(35, 10)), append([]Cap{budget}, pooled...), 0, 0, 25, 2*time.Hour + 20*time.Second, BoundCU, "batch budget"},
		{"the day ends too soon to spend it", planOf(shapeOf(1500, 1)), []Cap{soon}, 2, 0, 1500,
			10*time.Second + 24*time.Hour + 1000*time.Second, BoundCU, "key a per day"},
		{"a cap that does not say when it resets", planOf(shapeOf(11, 10)), []Cap{undated}, 2, 0, 11, 24*time.Hour + 20*time.Second, BoundCU, "key a per day"},
		{"two keys for good, each of which pays for two", planOf(shapeOf(9, 10)), []Cap{total("a", 25), total("b", 25)}, 0, 0, 4, 20 * time.Second, BoundCU, "key a"},
		{"two prices, of which the cheaper fits longer", planOf(shapeOf(2, 40), shapeOf(5, 5)), []Cap{{Scope: "batch budget", CU: 60 * job.OneCU}},
			0, 0, 5, 20 * time.Second, BoundCU, "batch budget"},
		{"one key a day, the other for good", planOf(shapeOf(20, 10)), mixed(daily("a", "keys", 60, 0), total("b", 100)), 2, 0, 20,
			2*time.Hour + 20*time.Second, BoundCU, "key a per day"},
		{"both kinds cover it", planOf(shapeOf(16, 10)), mixed(daily("a", "keys", 60, 0), total("b", 100)), 1, 0, 16, 40 * time.Second, BoundParallel, ""},
		{"slower than its cap", planOf(shapeOf(100_000, 1)), []Cap{daily("a", "", 90_000, 0)}, 2, 0, 100_000, 200_000 * time.Second, BoundParallel, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			check := test.plan.checkCaps(test.caps, tonight)[0]
			if check.Periods != test.periods || check.Never != test.never {
				t.Errorf("%d periods and %d jobs never, want %d and %d", check.Periods, check.Never, test.periods, test.never)
			}
			if fits := test.periods == 1 && test.never == 0; check.Fits != fits {
				t.Errorf("fits: %t, want %t", check.Fits, fits)
			}
			f := test.plan.forecast(tonight, Limits{Parallel: 10, Caps: test.caps}, []RunTime{{Model: "a", Seconds: 19}}, "")
			if f.Jobs != test.jobs || f.Duration() != test.took || f.Bound != test.bound || f.Scope != test.scope {
				t.Errorf("%d jobs in %s, bound %s %q; want %d in %s, bound %s %q",
					f.Jobs, f.Duration(), f.Bound, f.Scope, test.jobs, test.took, test.bound, test.scope)
			}
		})
	}
}

// TestFullCapEndsTheBatch plans one that does not wait for the next day.
func TestFullCapEndsTheBatch(t *testing.T) {
	t.Parallel()
	p := planOf(shapeOf(35, 10))
	p.onBudget = manifest.OnBudgetFail
	limits := Limits{Parallel: 10, Caps: []Cap{daily("a", "", 200, 0)}}
	if check := p.checkCaps(limits.Caps, tonight)[0]; check.Fits || check.Periods != 0 || check.Short != 150*job.OneCU {
		t.Errorf("check %+v, want 150 CU short and no further day", check)
	}
	f := p.forecast(tonight, limits, []RunTime{{Model: "a", Seconds: 19}}, "")
	if f.Jobs != 20 || f.Duration() != 40*time.Second || f.Bound != BoundCU {
		t.Errorf("%d jobs in %s, bound %s; want the 20 of today in 40 s, bound by CU", f.Jobs, f.Duration(), f.Bound)
	}
}

func TestForecastEnds(t *testing.T) {
	t.Parallel()
	p := planOf(shapeOf(1_000_000, 1))
	f := p.forecast(tonight, Limits{Parallel: 10, Caps: []Cap{daily("a", "", 1, 0)}}, []RunTime{{Model: "a", Seconds: 19}}, "")
	if len(f.Notes) != 1 || f.Duration() < horizon || f.Bound != BoundCU {
		t.Errorf("%s, bound %s, notes %q; want more than ten years by the cap, and a note", f.Duration(), f.Bound, f.Notes)
	}
}

// Of a key with several caps the one that leaves the least decides, and a cap in which no job
// ever fits gives nothing later.
func TestTightCapsDecide(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		caps    []Cap
		short   []job.CU // of each
		periods []int
	}{
		"a looser cap hides none":     {mixed(daily("a", "keys", 100, 0), total("a", 5000), total("b", 150)), []job.CU{8000, 0, 8000}, []int{2, 0, 2}},
		"a day within what is left":   {mixed(daily("a", "keys", 100, 0), total("a", 90), total("b", 150)), []job.CU{0, 18_000, 18_000}, []int{0, 0, 0}},
		"a day without room":          {mixed(total("a", 50), daily("b", "keys", 0, 0)), []job.CU{208_000, 208_000}, []int{0, 0}},
		"a day of less than one job":  {mixed(total("a", 50), daily("b", "keys", 5, 0)), []job.CU{203_000, 203_000}, []int{0, 0}},
		"each has room for all of it": {mixed(daily("a", "keys", 300, 0), total("b", 300)), []job.CU{0, 0}, []int{1, 1}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := planOf(Shape{Model: "a", Jobs: 24, Each: 10_750, Total: 258_000})
			for i, check := range p.checkCaps(test.caps, tonight) {
				if check.Short != test.short[i] || check.Periods != test.periods[i] {
					t.Errorf("%s, %s: %s CU short and %d periods, want %s and %d", check.Scope, check.Period, check.Short, check.Periods, test.short[i], test.periods[i])
				}
			}
		})
	}
}

// A step costs little and cannot run without its row: where the rows do not fit, neither do the
// steps; and the rows are queued before the steps that wait for them.
func TestWhatFitsKnowsWhatIsMadeOfWhat(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		rows  int
		left  job.CU
		jobs  int
		spent job.CU
	}{
		{"no row fits", 4, 9, 0, 0},
		{"one row fits with its step", 4, 13, 2, 13},
		{"rows go first", 4, 33, 4, 33},
		{"steps of the rows that fit", 4, 39, 6, 39},
		{"all fit", 4, 52, 8, 52},
		{"steps go on among many rows", 200, 1300, 101 + 96, 1298},
	} {
		p := planOf(shapeOf(test.rows, 10), shapeOf(test.rows, 3))
		p.needs = make(map[int][]int)
		for row := range test.rows {
			p.order = append(p.order, 0, 1)
			p.needs[2*row+1] = []int{2 * row}
		}
		fit := p.fit([]*headroom{{scope: "budget", members: []job.CU{test.left * job.OneCU}}})
		if fit.jobs != test.jobs || fit.cost != test.spent*job.OneCU {
			t.Errorf("%s: %d jobs for %s CU, want %d for %d", test.name, fit.jobs, fit.cost, test.jobs, test.spent)
		}
		if fit.scope != "budget" && fit.jobs < 2*test.rows {
			t.Errorf("%s: %q is said to keep jobs back", test.name, fit.scope)
		}
	}
}
