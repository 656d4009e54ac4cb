package progress

import (
	"testing"
	"time"

	"nightshift/internal/job"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestWaitWords(t *testing.T) {
	t.Parallel()
	soon, late := noon.Add(12*time.Second), noon.Add(13*time.Hour)
	tests := map[string]struct {
		wait Wait
		want string
	}{
		"nothing":        {Wait{Detail: "left over"}, ""},
		"slot":           {Wait{job.WaitParallel, soon, "6 of 6 running"}, "waiting for a free slot: 6 of 6 running"},
		"rate":           {Wait{job.WaitRequestRate, soon, "100 of 100 requests"}, "request rate used up until 12:00:12 (in 12s)"},
		"rate, over":     {Wait{Reason: job.WaitRequestRate, Until: noon}, "request rate used up"},
		"cooldown":       {Wait{job.WaitCooldown, noon.Add(45 * time.Minute), `key "a" pauses until …`}, "API cooldown until 12:45:00 (in 45m 00s)"},
		"until tomorrow": {Wait{Reason: job.WaitAllowance, Until: late}, "the plan's allowance is used up until 2 Mar 01:00 (in 13h 00m)"},
		"key":            {Wait{job.WaitKeyCU, soon, "cap 500 CU"}, "the key's CU cap is reached until 12:00:12 (in 12s): cap 500 CU"},
		"project":        {Wait{job.WaitProjectCU, soon, "cap 500 CU"}, "the project's CU cap is reached until 12:00:12 (in 12s): cap 500 CU"},
		"team":           {Wait{job.WaitTeamCU, soon, "cap 500 CU"}, "the team's CU cap is reached until 12:00:12 (in 12s): cap 500 CU"},
		"decision":       {Wait{job.WaitDecision, soon, "of 2 lost replies only you can tell"}, "waiting for your decision: of 2 lost replies only you can tell"},
		"no key":         {Wait{job.WaitNoKey, soon, "none may run it"}, "no API key of the pool may run the job"},
		"recovery":       {Wait{job.WaitRecovery, soon, "Redis lost what was counted"}, "rebuilding what Redis lost"},
		"need":           {Wait{job.WaitNeed, soon, "12 jobs"}, "waiting for an image of another row: 12 jobs"},
		"paused":         {Wait{job.WaitPaused, soon, "by an operator"}, "the batch is paused: by an operator"},
		"batch":          {Wait{job.WaitBatchCU, soon, "budget 500 CU"}, "the batch's budget is reached: budget 500 CU"},
		"quarantine":     {Wait{job.WaitQuarantine, late, "401"}, "the API refused the key or its secret: 401"},
		"backoff":        {Wait{job.WaitBackoff, soon, "connection reset"}, "pausing after failures until 12:00:12 (in 12s): connection reset"},
		"unknown":        {Wait{Reason: job.WaitUnknown}, "looking up requests with an unknown outcome"},
		"storage":        {Wait{Reason: job.WaitStorage, Detail: "disk full"}, "the bucket takes no images: disk full"},
		"new reason":     {Wait{"night_window", soon, "22:00 to 06:00"}, "waiting: night window until 12:00:12 (in 12s): 22:00 to 06:00"},
		"hostile":        {Wait{Reason: job.WaitStorage, Detail: "a\x1b[2J\nb"}, "the bucket takes no images: a b"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.wait.words(noon, true); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// A line on a pipe is repeated when it changes; a countdown would change it always.
func TestWaitWordsWithoutCountdown(t *testing.T) {
	t.Parallel()
	wait := Wait{Reason: job.WaitRequestRate, Until: noon.Add(12 * time.Second)}
	got, later := wait.words(noon, false), wait.words(noon.Add(5*time.Second), false)
	if want := "request rate used up until 12:00:12"; got != want || later != want {
		t.Errorf("got %q and %q, want %q", got, later, want)
	}
}

func TestQueuedSaysWhatWaitsForImages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		held   int
		reason job.WaitReason
		want   string
	}{
		{0, "", "12 queued"},
		{8, "", "12 queued (8 for an image of another row)"},
		{12, job.WaitParallel, "12 queued (12 for an image of another row)"},
		{12, job.WaitNeed, "12 queued"},
	} {
		m := moment{}
		m.Jobs.Queued, m.Jobs.Held, m.Waiting.Reason = 12, test.held, test.reason
		if got := m.counts()[0].text; got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		amount(1234567890): "1,234,567.89", amount(500): "0.5", amount(-1500): "-1.5",
		percent(999, 1000): "99%", percent(1000, 1000): "100%", percent(1001, 1000): "100%", percent(0, 0): "",
		paceWords(0.4): "24 images/min", paceWords(1.0 / 60): "1 image/min", paceWords(20.0 / 3600): "20 images/h",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
