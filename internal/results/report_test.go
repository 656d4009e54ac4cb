package results_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/results"
)

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestReports(t *testing.T) {
	t.Parallel()
	cases := map[string]results.Report{
		"report-empty.json": {Batch: "night", Mode: job.Test, State: results.Ongoing},
		"report-full.json": {
			Batch: "night", Mode: job.Live, State: results.Stopped, Reason: "the batch's budget of 500 CU is spent",
			Started: sampleStart, Ended: sampleStart.Add(90*time.Minute + 250*time.Millisecond),
			Counts:        results.Counts{Jobs: 100, Kept: 7, Succeeded: 80, Failed: 3, Cancelled: 1, NotRun: 9, Images: 160},
			CU:            results.Bill{Quoted: 420 * job.OneCU, Billed: 431*job.OneCU + 250, Refunded: 10*job.OneCU + 750},
			Requests:      results.Requests{Total: 101, ByOperation: map[string]int64{"submit": 84, "list": 14, "assets": 3}},
			Attempts:      88,
			WaitedSeconds: map[job.WaitReason]float64{job.WaitParallel: 512.5, job.WaitRequestRate: 3},
			Failures:      []job.FailureGroup{{Kind: "rejected", Reason: "flagged", Hint: "change the prompt", Jobs: 3, Rows: []string{"a", "b"}}},
			Durations:     results.Durations{Inference: results.Spread{Median: 20, P95: 31.5, Longest: 60}},
		},
	}
	for name, report := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bucket := newFolder(t)
			if err := results.WriteReport(t.Context(), bucket, "night", report); err != nil {
				t.Fatal(err)
			}
			golden(t, name, bucket.text(t, "night/report.json"))
		})
	}
}

// ended is a result in few words.
func ended(row, id string, state job.State, inference string, billed, refunded job.CU, minute int) job.Result {
	at := sampleStart.Add(time.Duration(minute) * time.Minute)
	return job.Result{
		Job: job.ID(id), Row: row, State: state, Outputs: []string{row + ".png"}, Inference: inference,
		Inputs: job.Inputs{}, Attempts: 1, Quoted: billed, Billed: billed, Refunded: refunded,
		Submitted: at.Add(-30 * time.Second), Ended: at.Add(-10 * time.Second), Recorded: at,
	}
}

func appendAll(t testing.TB, log *results.Log, all ...job.Result) {
	t.Helper()
	for _, result := range all {
		if err := log.Append(t.Context(), result); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTally(t *testing.T) {
	t.Parallel()
	refused := ended("b", "job2", job.Failed, "run2", 4000, 4000, 2)
	refused.Kind, refused.Reason, refused.Hint = "rejected", "flagged", "change it"
	twice := ended("a", "job1", job.Succeeded, "run1", 5000, 0, 1)
	twice.Images = []job.Image{{Key: "a.png"}, {Key: "a2.png"}}
	log := results.NewLog(newFolder(t), "night")
	appendAll(t, log,
		ended("old", "job0", job.Succeeded, "run0", 9000, 0, -60), // an earlier run
		twice, twice, // recorded again after a kill
		refused,
		ended("c", "job3", job.Failed, "run3", 1000, 0, 3),
		ended("c", "job3", job.Succeeded, "run4", 1000, 0, 4), // the same job in a second try
		ended("d", "job4", job.Succeeded, "run5", 2000, 0, 5),
		ended("d", "job5", job.Failed, "", 0, 0, 6), // the row was edited, and now fails
		ended("e", "job6", job.Cancelled, "", 0, 0, 7),
	)
	got := results.Report{Started: sampleStart, Counts: results.Counts{Jobs: 9, Kept: 1}}
	if err := log.Tally(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	want := results.Report{
		Started:  sampleStart,
		Counts:   results.Counts{Jobs: 9, Kept: 1, Succeeded: 2, Failed: 2, Cancelled: 1, NotRun: 3, Images: 2},
		CU:       results.Bill{Quoted: 13000, Billed: 13000, Refunded: 4000},
		Attempts: 7,
		Failures: []job.FailureGroup{
			{Jobs: 1, Rows: []string{"d"}},
			{Kind: "rejected", Reason: "flagged", Hint: "change it", Jobs: 1, Rows: []string{"b"}},
		},
		Durations: results.Durations{
			Inference: results.Spread{Median: 20, P95: 20, Longest: 20},
			Storing:   results.Spread{Median: 10, P95: 10, Longest: 10},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
}
