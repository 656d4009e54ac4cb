package telemetry_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"nightshift/internal/job"
	"nightshift/internal/telemetry"
	"nightshift/internal/telemetry/promtool"
)

var update = flag.Bool("update", false, "write what is exposed now to testdata")

// everything counts one of each and shows the full standing.
func everything(t *testing.T) string {
	t.Helper()
	m, registry := setup(t)
	m.Follow(t.Context(), always(full(), nil), logger(t))
	start := time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	m.JobEnded(job.Result{
		State: job.Succeeded, Images: []job.Image{{Bytes: 1000}, {Bytes: 234}}, Billed: 10_750, Refunded: 750,
		Submitted: start, Ended: start.Add(32 * time.Second),
	})
	m.JobEnded(job.Result{State: job.Failed, Submitted: start})
	m.Request("submit")
	m.Submission(telemetry.SubmissionLost)
	m.ImageStored(300 * time.Millisecond)
	return exposition(t, registry)
}

func TestExposition(t *testing.T) {
	t.Parallel()
	const golden = "testdata/full.metrics"
	got := everything(t)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("exposition differs; if that is right, run go test ./internal/telemetry -update (-want +got):\n%s", diff)
	}
}

func TestConventions(t *testing.T) {
	t.Parallel()
	problems, err := promlint.New(strings.NewReader(everything(t))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

func TestPromtoolAcceptsExposition(t *testing.T) {
	t.Parallel()
	promtool.Run(t, everything(t), "check", "metrics")
}

// No text from outside becomes a label.
func TestUnknownWordsAreOther(t *testing.T) {
	t.Parallel()
	m, registry := setup(t)
	s := telemetry.Status{
		Lanes: []telemetry.Lane{{
			Name: "p/test", Jobs: map[job.State]int{"dreaming": 2, "flying": 3}, Blocked: "mood",
			Waited: map[job.WaitReason]time.Duration{"mood": time.Second},
		}},
		Batches: map[string]int{"lost": 1},
		Keys:    []telemetry.Key{{ID: "k", State: "tired", RequestsLeft: -1}},
		Caps:    []telemetry.Cap{{Scope: "world", Name: "a\xffb", Period: "era", Used: 1, Limit: 2}},
	}
	m.Follow(t.Context(), always(s, nil), logger(t))
	m.JobEnded(job.Result{State: "exploded"})
	m.Request("https://example.invalid/?signature=1")
	m.Submission("maybe")
	want := []string{
		`nightshift_api_requests_total{operation="other"} 1`,
		`nightshift_batches{state="other"} 1`,
		`nightshift_cap_used_ratio{name="a` + "\uFFFD" + `b",period="other",scope="other"} 0.5`,
		`nightshift_jobs_ended_total{state="other"} 1`,
		`nightshift_key_state{api_key="k",state="other"} 1`,
		`nightshift_lane_blocked_by{lane="p/test",reason="other"} 1`,
		`nightshift_lane_blocked_seconds_total{lane="p/test",reason="other"} 1`,
		`nightshift_lane_jobs{lane="p/test",state="other"} 5`,
		`nightshift_submissions_total{outcome="other"} 1`,
	}
	var got []string
	for _, line := range series(exposition(t, registry), "nightshift_") {
		if strings.Contains(line, `"other"`) {
			got = append(got, line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("series of unknown words differ (-want +got):\n%s", diff)
	}
}

// A run can only end after it was sent; a provider's clock may say otherwise.
func TestInferenceDurationNeedsBothTimes(t *testing.T) {
	t.Parallel()
	m, registry := setup(t)
	now := time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	m.JobEnded(job.Result{State: job.Failed, Submitted: now})
	m.JobEnded(job.Result{State: job.Failed, Ended: now})
	m.JobEnded(job.Result{State: job.Succeeded, Submitted: now, Ended: now.Add(-time.Second)})
	m.JobEnded(job.Result{State: job.Succeeded, Submitted: now, Ended: now.Add(3 * time.Second)})
	want := []string{"nightshift_inference_duration_seconds_sum 3", "nightshift_inference_duration_seconds_count 1"}
	got := series(exposition(t, registry), "nightshift_inference_duration_seconds_sum", "nightshift_inference_duration_seconds_count")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("durations differ (-want +got):\n%s", diff)
	}
}
