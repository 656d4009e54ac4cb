package view

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/batch"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/pool"
	"nightshift/internal/text"
)

func TestLimit(t *testing.T) {
	t.Parallel()
	const busy, queued = 60.0, 100
	blocked := func(reason job.WaitReason, seconds float64) map[job.WaitReason]float64 {
		return map[job.WaitReason]float64{reason: seconds}
	}
	full := []pool.KeyStatus{{ID: "a", Running: 6, Ceiling: 6, RequestsMost: 100}}
	free := []pool.KeyStatus{{ID: "a", Running: 2, Ceiling: 6, RequestsMost: 100}}
	for _, test := range []struct {
		name  string
		facts limitFacts
		want  bottleneck
	}{
		{
			"ceiling full",
			limitFacts{workers: 1, observed: busy, blocked: blocked(job.WaitParallel, 50), queued: queued, running: 6, submitting: 16, submitSlots: 16, keys: full},
			bottleneck{"parallel_ceiling", "adding workers will not help: the team's ceiling of 6 is full (6 run)"},
		},
		{
			"all that is left waits for images that are being made",
			limitFacts{workers: 1, observed: busy, wait: job.WaitNeed, waitDetail: "12 jobs", held: 12, running: 3, stored: 1, submitSlots: 16, keys: free},
			bottleneck{"need", "12 jobs wait for an image of another row (3 at the provider, 1 being stored)"},
		},
		{
			"nothing holds up the rows whose images are waited for",
			limitFacts{workers: 1, observed: busy, held: 1, queued: 2, running: 1, submitSlots: 16, keys: free},
			bottleneck{"need", "1 job waits for an image of another row (2 to be sent, 1 at the provider)"},
		},
		{
			"the row whose image is waited for waits itself",
			limitFacts{workers: 1, observed: busy, blocked: blocked(job.WaitParallel, 50), queued: queued, held: 12, running: 6, submitting: 16, submitSlots: 16, keys: full},
			bottleneck{"parallel_ceiling", "adding workers will not help: the team's ceiling of 6 is full (6 run); 12 jobs wait for an image of another row"},
		},
		{
			"what became of the row whose image is waited for is not known",
			limitFacts{workers: 1, observed: busy, wait: job.WaitUnknown, waitDetail: "1 submission", held: 2, running: 1, submitSlots: 16, keys: free},
			bottleneck{"unknown_outcome", "looking up requests with an unknown outcome (1 submission); 2 jobs wait for an image of another row"},
		},
		{
			"all is sent, and of one it is not known what became of it",
			limitFacts{workers: 1, observed: busy, wait: job.WaitUnknown, waitDetail: "1 submission", running: 2, submitSlots: 16, keys: free},
			bottleneck{"unknown_outcome", "looking up requests with an unknown outcome (1 submission)"},
		},
		{
			"ceiling was full, and is not now",
			limitFacts{workers: 1, observed: busy, blocked: blocked(job.WaitParallel, 50), queued: queued, running: 2, submitSlots: 16, keys: free},
			bottleneck{"nothing", "nothing holds it up"},
		},
		{
			"ceiling full, as far as a killed worker knew",
			limitFacts{workers: 1, observed: busy, blocked: blocked(job.WaitParallel, 50), wait: job.WaitParallel, queued: queued, running: 6, keys: full, unwatched: true},
			bottleneck{"recovery", unwatchedWords},
		},
		{
			"ceiling full of what a killed worker had",
			limitFacts{workers: 1, observed: busy, blocked: blocked(job.WaitParallel, 50), wait: job.WaitParallel, queued: queued, keys: free, orphans: orphans{"": 4}},
			bottleneck{"recovery", "a worker that is gone holds 4 slots; the others free them within seconds"},
		},
		{
			"ceilings of two teams full",
			limitFacts{workers: 1, observed: busy, blocked: blocked(job.WaitParallel, 50), queued: queued, running: 10, keys: []pool.KeyStatus{
				{Team: "art", Running: 6, Ceiling: 6}, {Team: "art", Running: 6, Ceiling: 6}, {Team: "ads", Running: 4, Ceiling: 4},
			}},
			bottleneck{"parallel_ceiling", "adding workers will not help: the ceilings of all 2 teams, 10 together, are full (10 run)"},
		},
		{
			"ceiling full, nothing known of the keys",
			limitFacts{workers: 2, observed: 2 * busy, blocked: blocked(job.WaitParallel, 100), wait: job.WaitParallel, waitDetail: "6 of 6 running of the team", queued: queued, running: 6},
			bottleneck{"parallel_ceiling", "adding workers will not help: the ceiling of running jobs is full (6 of 6 running of the team)"},
		},
		{
			"ceiling just full, before it was blocked for long",
			limitFacts{workers: 1, observed: busy, queued: queued, running: 6, submitting: 16, submitSlots: 16, keys: full},
			bottleneck{"parallel_ceiling", "adding workers will not help: the team's ceiling of 6 is full (6 run)"},
		},
		{
			"request rate",
			limitFacts{workers: 2, observed: 2 * busy, blocked: map[job.WaitReason]float64{job.WaitRequestRate: 70, job.WaitParallel: 10}, queued: queued, running: 2, keys: free},
			bottleneck{"request_rate", "adding workers will not help: the request rate is used up, 100 a minute"},
		},
		{
			"cap of CU",
			limitFacts{workers: 1, observed: busy, blocked: blocked(job.WaitTeamCU, 60), wait: job.WaitTeamCU, waitDetail: "cap of team art, 500 CU a day", queued: queued, running: 1, keys: free},
			bottleneck{"cu", "adding workers will not help: a cap of CU is reached (cap of team art, 500 CU a day)"},
		},
		{
			"submit slots",
			limitFacts{workers: 2, observed: 2 * busy, blocked: blocked(job.WaitRequestRate, 5), queued: queued, running: 90, submitting: 32, submitSlots: 32, keys: []pool.KeyStatus{{Running: 90, Ceiling: 100}}},
			bottleneck{"workers", "more workers would help: all 32 submit slots of 2 workers are busy"},
		},
		{
			"store slots",
			limitFacts{workers: 1, observed: busy, queued: queued, running: 10, stored: 50, storing: 32, storeSlots: 32, submitting: 1, submitSlots: 16},
			bottleneck{"workers", "more workers would help: all 32 store slots of 1 worker are busy"},
		},
		{
			"the bucket takes nothing, which fills the store slots",
			limitFacts{workers: 1, observed: busy, queued: queued, stored: 50, storing: 32, storeSlots: 32, wait: job.WaitStorage, waitDetail: "disk full"},
			bottleneck{"storage", "the bucket takes no images (disk full); check that it answers and has room"},
		},
		{
			"no worker",
			limitFacts{queued: queued},
			bottleneck{"workers", "no worker runs; start one"},
		},
		{
			"paused",
			limitFacts{own: job.WaitPaused, ownDetail: "lunch", workers: 1, observed: busy, blocked: blocked(job.WaitParallel, 60), queued: queued},
			bottleneck{"paused", "the batch is paused (lunch); go on with enqueue resume"},
		},
		{
			"key refused",
			limitFacts{workers: 1, observed: busy, blocked: blocked(job.WaitQuarantine, 60), queued: queued},
			bottleneck{"quarantine", "the API refused the key or its secret; give a valid key in SCENARIO_API_KEY and SCENARIO_API_SECRET, or in the keys file"},
		},
		{
			"blocked before, and all jobs are sent now",
			limitFacts{workers: 1, observed: busy, blocked: blocked(job.WaitParallel, 60), running: 4, stored: 1},
			bottleneck{"nothing", "nothing: all jobs are sent, 4 run at the provider and 1 are being stored"},
		},
		{
			"blocked now and then",
			limitFacts{workers: 1, observed: busy, blocked: blocked(job.WaitRequestRate, 20), queued: queued, running: 4, submitting: 2, submitSlots: 16, keys: free},
			bottleneck{"nothing", "nothing holds it up"},
		},
		{
			"a worker that has just started",
			limitFacts{workers: 1, observed: 10, blocked: blocked(job.WaitParallel, 8), queued: queued, running: 6, keys: full},
			bottleneck{"parallel_ceiling", "adding workers will not help: the team's ceiling of 6 is full (6 run)"},
		},
		{"nothing left", limitFacts{workers: 1, observed: busy}, bottleneck{"nothing", "nothing is left to do"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, limit(test.facts)); diff != "" {
				t.Errorf("limit (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLimitSaysUntilWhen(t *testing.T) {
	t.Parallel()
	opens := time.Date(2026, 3, 1, 22, 0, 0, 0, time.Local)
	got := limit(limitFacts{own: job.WaitWindow, ownUntil: opens, queued: 1})
	if want := "outside the batch's window, until " + text.Moment(opens); got.Text != want {
		t.Errorf("the limit is %q, want %q", got.Text, want)
	}
}

func TestOrphaned(t *testing.T) {
	t.Parallel()
	beats := []fleet.Heartbeat{{Worker: "a", Owner: "a-1"}}
	for name, c := range map[string]struct {
		rec  job.Record
		want bool
	}{
		"granted by one that lives":        {job.Record{State: job.Queued, Owner: "a-1"}, false},
		"granted by one that is gone":      {job.Record{State: job.Queued, Owner: "a-0"}, true},
		"perhaps sent by one that is gone": {job.Record{State: job.Sending, Owner: "a-0"}, false},
		"runs, whoever sent it":            {job.Record{State: job.Running, Owner: "a-0"}, false},
		"its reply is lost, it may run":    {job.Record{State: job.Unknown, Owner: "a-0"}, false},
		"nobody's yet":                     {job.Record{State: job.Queued}, false},
	} {
		if got := orphaned(&c.rec, beats); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// What the caps left a moment ago is less by what the batch has used since.
func TestCapsOf(t *testing.T) {
	t.Parallel()
	renews := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	o := &batch.Submission{Batch: "test/a", Mode: job.Test}
	beats := []fleet.Heartbeat{{Lanes: map[string]fleet.Lane{o.Lane(): {
		Caps: []job.Headroom{{Left: 50, Renews: renews, Each: 60, Period: time.Hour}}, Used: map[string]job.CU{"test/a": 10},
	}}}}
	for range 2 { // what was told stays as it was
		if got := capsOf(o, beats, 30); len(got) != 1 || got[0].Left != 30 || got[0].Renews != renews {
			t.Errorf("it leaves %+v, want 30 until %s", got, renews)
		}
	}
	o.Rules.OnBudget = manifest.OnBudgetFail
	if got := capsOf(o, beats, 100); len(got) != 1 || got[0].Left != 0 || !got[0].Renews.IsZero() {
		t.Errorf("it leaves %+v to a batch that ends at a full cap", got)
	}
	if got := capsOf(o, nil, 0); got != nil {
		t.Errorf("nobody told of %+v", got)
	}
}
