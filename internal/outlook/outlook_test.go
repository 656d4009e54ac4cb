package outlook

import (
	"testing"
	"time"

	"nightshift/internal/job"
)

func TestOutlook(t *testing.T) {
	t.Parallel()
	budget, more := 100*job.OneCU, 155*job.OneCU
	now := time.Date(2026, 11, 1, 22, 0, 0, 0, time.UTC)
	caps := func(left, each job.CU) []job.Headroom {
		c := job.Headroom{Left: left * job.OneCU, Each: each * job.OneCU}
		if each > 0 {
			c.Renews, c.Period = now.Add(2*time.Hour), 24*time.Hour
		}
		return []job.Headroom{c}
	}
	cheap, dear := 20*job.OneCU, 180*job.OneCU
	begun := Facts{Now: now, Price: 200 * job.OneCU, Jobs: 20, Queued: 20, Images: 40, Forecast: 10 * time.Minute}
	half := begun
	half.Spent, half.Reserved, half.Queued, half.Done, half.Elapsed, half.Pace = 90*job.OneCU, 20*job.OneCU, 10, 16, 4*time.Minute, 0.1
	with := func(f Facts, change func(*Facts)) Facts { change(&f); return f }
	tests := map[string]struct {
		facts Facts
		cost  job.CU
		left  time.Duration
	}{
		"nothing is known":                  {Facts{}, 0, 0},
		"begun":                             {begun, 200 * job.OneCU, 10 * time.Minute},
		"earlier spend counts":              {with(begun, func(f *Facts) { f.Spent = 7 * job.OneCU }), 207 * job.OneCU, 10 * time.Minute},
		"half way":                          {half, 210 * job.OneCU, 4 * time.Minute},
		"the dear ones are made":            {with(half, func(f *Facts) { f.Rest = &cheap }), 130 * job.OneCU, 4 * time.Minute},
		"the dear ones are left":            {with(half, func(f *Facts) { f.Rest = &dear }), 290 * job.OneCU, 4 * time.Minute},
		"a budget for one of the dear ones": {with(half, func(f *Facts) { f.Rest, f.Budget = &dear, &more }), 146 * job.OneCU, 0},
		"a budget that covers the cheap":    {with(half, func(f *Facts) { f.Rest, f.Budget = &cheap, &more }), 130 * job.OneCU, 4 * time.Minute},
		"a budget ends it":                  {with(half, func(f *Facts) { f.Budget = &budget }), 110 * job.OneCU, 0},
		"a budget will end it":              {with(half, func(f *Facts) { f.Budget = &more }), 150 * job.OneCU, 0},
		"a cap will end it":                 {with(half, func(f *Facts) { f.Caps = caps(45, 0) }), 150 * job.OneCU, 0},
		"a cap covers it":                   {with(half, func(f *Facts) { f.Caps = caps(100, 0) }), 210 * job.OneCU, 4 * time.Minute},
		"a cap of each day":                 {with(half, func(f *Facts) { f.Caps = caps(45, 60) }), 210 * job.OneCU, 2 * time.Hour},
		"a cap of several days":             {with(half, func(f *Facts) { f.Caps = caps(0, 40) }), 210 * job.OneCU, 50 * time.Hour},
		"a day's cap for none":              {with(half, func(f *Facts) { f.Caps = caps(0, 9) }), 210 * job.OneCU, 0},
		"all is sent at a cap":              {with(half, func(f *Facts) { f.Caps, f.Queued = caps(0, 0), 0 }), 110 * job.OneCU, 4 * time.Minute},
		"a budget not reached":              {with(begun, func(f *Facts) { f.Budget, f.Price = &budget, budget/2 }), budget / 2, 10 * time.Minute},
		"the forecast is over":              {with(begun, func(f *Facts) { f.Elapsed = time.Hour }), 200 * job.OneCU, 0},
		"a wait is longer":                  {with(half, func(f *Facts) { f.Wait = time.Hour }), 210 * job.OneCU, time.Hour},
		"a wait for nothing":                {with(half, func(f *Facts) { f.Wait, f.Queued = time.Hour, 0 }), 110 * job.OneCU, 4 * time.Minute},
		"only a person ends it":             {with(half, func(f *Facts) { f.Endless = true }), 210 * job.OneCU, 0},
		"all images are there":              {with(half, func(f *Facts) { f.Done = 40 }), 0, 0},
		"huge amounts":                      {with(begun, func(f *Facts) { f.Price, f.Jobs, f.Queued = 1<<60, 1<<40, 1<<39 }), 1 << 59, 10 * time.Minute},
		"a pace next to nothing":            {with(half, func(f *Facts) { f.Pace = 1e-300 }), 210 * job.OneCU, (1<<31 - 1) * time.Second},
	}
	for name, test := range tests {
		if cost, left := test.facts.Cost(), test.facts.Left(); cost != test.cost || left.Round(time.Second) != test.left {
			t.Errorf("%s: %s CU in the end and %s left, want %s and %s", name, cost, left, test.cost, test.left)
		}
	}
}

func TestEveryOutcomeHasWords(t *testing.T) {
	t.Parallel()
	want := map[Outcome][2]string{
		Ongoing:     {"running", "running"},
		Complete:    {"complete", "over, 2 jobs missing"},
		Over:        {"over", "over, 2 jobs missing"},
		Interrupted: {"interrupted", "interrupted"},
		Blocked:     {"blocked", "blocked"},
		Cancelled:   {"cancelled", "cancelled"},
	}
	for _, o := range Outcomes {
		if got := [2]string{o.Words(0), o.Words(2)}; got != want[o] {
			t.Errorf("%s says %q, want %q", o, got, want[o])
		}
	}
}

func TestOutcomeOfWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		ended         Outcome
		jobs, missing int
		want          Outcome
	}{
		{Complete, 3, 0, Complete},
		{Complete, 3, 1, Over},
		{Over, 3, 0, Complete},
		{Interrupted, 3, 1, Interrupted},
		{Interrupted, 3, 0, Complete},
		{Interrupted, 0, 0, Interrupted}, // its jobs are not known
		{Cancelled, 3, 2, Cancelled},
		{Cancelled, 3, 0, Complete},
		{Blocked, 3, 0, Blocked},
		{Ongoing, 3, 0, Ongoing},
	} {
		if got := test.ended.Of(test.jobs, test.missing); got != test.want {
			t.Errorf("%s of %d jobs, %d of them missing, is %s, want %s", test.ended, test.jobs, test.missing, got, test.want)
		}
	}
}
