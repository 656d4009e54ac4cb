package report_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/batch"
	"nightshift/internal/batch/batchtest"
	"nightshift/internal/job"
	"nightshift/internal/report"
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
	cases := map[string]report.Report{
		"report-empty.json": {Batch: "night", Mode: job.Test, State: report.Ongoing},
		"report-full.json": {
			Batch: "night", Mode: job.Live, State: report.Blocked, Reason: "the batch's budget of 500 CU is spent",
			Started: batchtest.Start, Ended: batchtest.Start.Add(90*time.Minute + 250*time.Millisecond),
			Counts: report.Counts{Jobs: 100, Kept: 7, Succeeded: 80, Failed: 3, Cancelled: 1, NotRun: 9, Images: 160},
			CU:     report.Bill{Quoted: 420 * job.OneCU, Billed: 431*job.OneCU + 250, Refunded: 10*job.OneCU + 750},
			Spend: report.Spend{
				Billed: 431*job.OneCU + 250, Refunded: 10*job.OneCU + 750, Spent: 420*job.OneCU + 500, Held: 10*job.OneCU + 750,
				ByKey: []report.KeySpend{{APIKey: "agency", Spent: 120*job.OneCU + 500}, {APIKey: "studio", Spent: 300 * job.OneCU, Held: 10*job.OneCU + 750}},
			},
			Requests:      report.Requests{Total: 101, ByOperation: map[string]int64{"submit": 84, "list": 14, "assets": 3}},
			Attempts:      88,
			WaitedSeconds: map[job.WaitReason]float64{job.WaitParallel: 512.5, job.WaitRequestRate: 3},
			Failures:      []job.FailureGroup{{Kind: "rejected", Reason: "flagged", Hint: "change the prompt", Jobs: 3, Rows: []string{"a", "b"}}},
			Durations:     report.Durations{Inference: report.Spread{Median: 20, P95: 31.5, Longest: 60}},
		},
	}
	for name, sums := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bucket := batchtest.NewFolder(t)
			if err := report.WriteReport(t.Context(), bucket, "night", sums); err != nil {
				t.Fatal(err)
			}
			golden(t, name, bucket.Text(t, "night/report.json"))
		})
	}
}

// ended is a result in few words.
func ended(row, id string, state job.State, inference string, billed, refunded job.CU, minute int) job.Result {
	at := batchtest.Start.Add(time.Duration(minute) * time.Minute)
	return job.Result{
		Job: job.ID(id), Row: row, State: state, Outputs: []string{row + ".png"}, Inference: inference,
		Inputs: job.Inputs{}, Attempts: 1, Quoted: billed, Billed: billed, Refunded: refunded,
		Submitted: at.Add(-30 * time.Second), Ended: at.Add(-10 * time.Second), Recorded: at,
	}
}

func appendAll(t testing.TB, log *batch.Log, all ...job.Result) {
	t.Helper()
	for _, result := range all {
		if err := log.Append(t.Context(), result); err != nil {
			t.Fatal(err)
		}
	}
}

// What a worker recorded by a clock that is behind, or ahead, counts for its submission.
func TestTallyNeedsNoClock(t *testing.T) {
	t.Parallel()
	slow, fast := ended("a", "job1", job.Failed, "run1", 1000, 0, -5), ended("b", "job2", job.Succeeded, "run2", 1000, 0, 5)
	slow.Order, fast.Order = "o2", "o1"
	log := batch.NewLog(batchtest.NewFolder(t), "night")
	appendAll(t, log, slow, fast)
	got := report.Report{Order: "o2", Started: batchtest.Start, Counts: report.Counts{Jobs: 2, Kept: 1}}
	if err := report.Tally(t.Context(), log, &got); err != nil {
		t.Fatal(err)
	}
	if want := (report.Counts{Jobs: 2, Kept: 1, Failed: 1}); got.Counts != want {
		t.Errorf("counts are %+v, want %+v", got.Counts, want)
	}
}

func TestTally(t *testing.T) {
	t.Parallel()
	refused := ended("b", "job2", job.Failed, "run2", 4000, 4000, 2)
	refused.Kind, refused.Reason, refused.Hint = "rejected", "flagged", "change it"
	twice := ended("a", "job1", job.Succeeded, "run1", 5000, 0, 1)
	twice.Images = []job.Image{{Key: "a.png"}, {Key: "a2.png"}}
	log := batch.NewLog(batchtest.NewFolder(t), "night")
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
	got := report.Report{Started: batchtest.Start, Counts: report.Counts{Jobs: 9, Kept: 1}}
	if err := report.Tally(t.Context(), log, &got); err != nil {
		t.Fatal(err)
	}
	want := report.Report{
		Started:  batchtest.Start,
		Counts:   report.Counts{Jobs: 9, Kept: 1, Succeeded: 2, Failed: 2, Cancelled: 1, NotRun: 3, Images: 2},
		CU:       report.Bill{Quoted: 13000, Billed: 13000, Refunded: 4000},
		Attempts: 7,
		Failures: []job.FailureGroup{
			{Jobs: 1, Rows: []string{"d"}},
			{Kind: "rejected", Reason: "flagged", Hint: "change it", Jobs: 1, Rows: []string{"b"}},
		},
		Durations: report.Durations{
			Inference: report.Spread{Median: 20, P95: 20, Longest: 20},
			Storing:   report.Spread{Median: 10, P95: 10, Longest: 10},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
}

// TestTallyCountsAnInferenceOnce is about inferences with lines that differ: images
// that were deleted are fetched again, for nothing, and that may fail.
func TestTallyCountsAnInferenceOnce(t *testing.T) {
	t.Parallel()
	refetch := func(r job.Result, minute int) job.Result {
		again := ended(r.Row, string(r.Job), job.Failed, r.Inference, 0, 0, minute)
		again.Quoted, again.Kind = r.Quoted, job.KindStorage
		return again
	}
	lost := ended("a", "job1", job.Succeeded, "run1", 9000, 0, 1)
	moved := ended("b", "job2", job.Failed, "run2", 4000, 0, 2)
	home := refetch(moved, 3)
	home.State, home.Outputs = job.Succeeded, []string{"earlier/job2/b.png"}
	refunded := ended("c", "job3", job.Failed, "run3", 2000, 2000, 4)
	log := batch.NewLog(batchtest.NewFolder(t), "night")
	appendAll(t, log, lost, refetch(lost, 60), moved, home, refunded, refetch(refunded, 61))
	var got report.Report
	if err := report.Tally(t.Context(), log, &got); err != nil {
		t.Fatal(err)
	}
	if want := (report.Bill{Quoted: 15000, Billed: 15000, Refunded: 2000}); got.CU != want || got.Attempts != 3 {
		t.Errorf("the log sums up to %+v in %d attempts, want %+v in 3", got.CU, got.Attempts, want)
	}
}

// TestTallyOfManyReasons lists the most frequent ones.
func TestTallyOfManyReasons(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	var text strings.Builder
	const rare = 1500
	for i := range rare + 7 {
		r := ended(fmt.Sprintf("row%04d", i), fmt.Sprint("job", i), job.Failed, fmt.Sprint("run", i), 0, 0, i)
		if r.Kind, r.Reason, r.Hint = "rejected", fmt.Sprintf("reason %04d", i), "h"; i >= rare {
			r.Reason = "reason 0900"
		}
		if err := json.NewEncoder(&text).Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	again := ended("row0001", "job1", job.Succeeded, "run again", 0, 0, 9999)
	bucket.Write(t, "night/errors.jsonl", text.String())
	log := batch.NewLog(bucket, "night")
	appendAll(t, log, again)
	var got report.Report
	if err := report.Tally(t.Context(), log, &got); err != nil {
		t.Fatal(err)
	}
	jobs := 0
	for _, group := range got.Failures {
		jobs += group.Jobs
	}
	if len(got.Failures) != 101 || jobs != rare+7-1 || got.Counts.Failed != jobs {
		t.Fatalf("%d groups with %d jobs, and %d failed, want 101 with %d", len(got.Failures), jobs, got.Counts.Failed, rare+7-1)
	}
	want := []job.FailureGroup{
		{Reason: "other reasons", Jobs: rare - 1 - 100, Rows: []string{"row1000", "row1001", "row1002", "row1003", "row1004"}},
		{Kind: "rejected", Reason: "reason 0900", Hint: "h", Jobs: 8, Rows: []string{"row0900", "row1500", "row1501", "row1502", "row1503"}},
		{Kind: "rejected", Reason: "reason 0000", Hint: "h", Jobs: 1, Rows: []string{"row0000"}},
		{Kind: "rejected", Reason: "reason 0002", Hint: "h", Jobs: 1, Rows: []string{"row0002"}},
	}
	if diff := cmp.Diff(want, got.Failures[:4]); diff != "" {
		t.Errorf("the first groups (-want +got):\n%s", diff)
	}
}

// TestFillSpend holds what the logs say was spent against the sums of the results.
func TestFillSpend(t *testing.T) {
	t.Parallel()
	local := batchtest.Local(t)
	attempts := batch.NewAttempts(local, "night")
	for _, line := range []job.AttemptLine{
		{Event: job.Intended, Job: "job1", Attempt: 1, APIKey: "studio", Quoted: 5000},
		{Event: job.Intended, Job: "job2", Attempt: 1, APIKey: "agency", Quoted: 4000},
		{Event: job.Ended, Job: "job2", Attempt: 1, APIKey: "agency", Sent: batchtest.Start, Billed: 4000, Refunded: 4000}, // tried again
		{Event: job.Intended, Job: "job2", Attempt: 2, APIKey: "studio", Quoted: 4000},
		{Event: job.Intended, Job: "job3", Attempt: 1, APIKey: "agency", Quoted: 1000},
		{Event: job.Intended, Job: "job4", Attempt: 1, APIKey: "agency", Quoted: 2500},
	} {
		line.Spec = &job.Job{ID: line.Job, Quote: line.Quoted}
		if err := attempts.Note(t.Context(), line); err != nil {
			t.Fatal(err)
		}
	}
	log := batch.NewLog(local, "night")
	charged := func(r job.Result, key string, attempts int, billed job.CU) job.Result {
		r.APIKey, r.Attempts, r.Charge = key, attempts, &job.Charge{Billed: billed}
		return r
	}
	first := charged(ended("a", "job1", job.Succeeded, "run1", 5333, 0, 1), "studio", 1, 5333)
	second := charged(ended("b", "job2", job.Succeeded, "run3", 8000, 4000, 2), "studio", 2, 4000) // both of its attempts
	appendAll(t, log, first, first, second, charged(ended("c", "job3", job.Failed, "run4", 1000, 0, 3), "agency", 1, 1000))

	fold, err := batch.ReadFold(t.Context(), local, "night")
	if err != nil {
		t.Fatal(err)
	}
	sums := report.Report{Batch: "night"}
	if err := report.Tally(t.Context(), log, &sums); err != nil {
		t.Fatal(err)
	}
	sums.FillSpend(fold)
	want := report.Spend{
		Billed: 14333, Refunded: 4000, Spent: 10333, Held: 2500,
		ByKey: []report.KeySpend{{APIKey: "agency", Spent: 1000, Held: 2500}, {APIKey: "studio", Spent: 9333}},
	}
	if diff := cmp.Diff(want, sums.Spend); diff != "" {
		t.Errorf("spend (-want +got):\n%s", diff)
	}
	if err := report.WriteReport(t.Context(), local, "night", sums); err != nil {
		t.Fatal(err)
	}
	var written report.Report
	if err := json.Unmarshal([]byte(batchtest.ReadFile(t, local, "night/report.json")), &written); err != nil {
		t.Fatal(err)
	}
	cu, spend := written.CU, written.Spend
	if spend.Billed != cu.Billed || spend.Refunded != cu.Refunded || spend.Spent != cu.Net {
		t.Errorf("the logs of the batch say %+v, the results %+v", spend, cu)
	}
}
