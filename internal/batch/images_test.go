package batch_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/batch"
	"nightshift/internal/batch/batchtest"
	"nightshift/internal/bucket"
	"nightshift/internal/job"
	"nightshift/internal/plan"
)

// submitted makes the jobs of these rows, of two images each, the plan of the batch.
func submitted(t *testing.T, b bucket.Objects, rows ...string) {
	t.Helper()
	var lines []byte
	for i, row := range rows {
		planned := plan.PlannedJob{Status: plan.New, Job: job.Job{
			ID: jobOf(row), Index: i, Row: row, Model: "model_x", Inputs: job.Inputs{"prompt": row}, Outputs: outputsOf(row),
		}}
		lines = planned.AppendLine(lines)
	}
	const key = "night/_nightshift/plans/one.jsonl"
	if err := b.Put(t.Context(), key, bytes.NewReader(lines)); err != nil {
		t.Fatal(err)
	}
	if err := batch.WriteSubmission(t.Context(), b, &batch.Submission{ID: "1-a", Batch: "night", Plan: key}); err != nil {
		t.Fatal(err)
	}
}

func outputsOf(row string) []string { return []string{row + "-1.{ext}", row + "-2.{ext}"} }

// made notes that a job has made its images under the names of a row.
func made(t *testing.T, b bucket.Objects, index int, id job.ID, row string, inputs job.Inputs) {
	t.Helper()
	result := job.Result{Job: id, Index: index, Row: row, State: job.Succeeded, Outputs: outputsOf(row), Inputs: inputs}
	for n := range result.Outputs {
		result.Images = append(result.Images, job.Image{Key: fmt.Sprintf("%s-%d.png", row, n+1), Bytes: 3})
	}
	if err := batch.NewLog(b, "night").Append(t.Context(), result); err != nil {
		t.Fatal(err)
	}
}

func TestPlannedImages(t *testing.T) {
	t.Parallel()
	b := batchtest.Local(t)
	submitted(t, b, "axe", "bow", "cup")
	made(t, b, 0, jobOf("an owl of before"), "owl", nil)
	made(t, b, 1, jobOf("an axe of before"), "axe", nil)
	made(t, b, 0, jobOf("axe"), "axe", job.Inputs{"images": []any{"job:" + string(jobOf("owl")) + "#1", "asset_1"}, "image": "sha256:0"})
	made(t, b, 2, jobOf("a cup of before"), "cup", nil)
	made(t, b, 5, jobOf("late"), batch.EarlierFolder+"late", nil)
	f := batch.NewFolder(b, "night")
	images, err := f.PlannedImages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range images {
		got = append(got, fmt.Sprintf("%s:%d %s %d %v %s %v", i.Row, i.OfRow, i.Job, i.N, i.Made, i.Image.Key, i.From))
	}
	from := fmt.Sprint([]job.Picture{{Job: jobOf("owl"), Image: 1}})
	want := []string{
		fmt.Sprintf("axe:1 %s 1 true axe-1.png %s", jobOf("axe"), from), fmt.Sprintf("axe:2 %s 2 true axe-2.png %s", jobOf("axe"), from),
		fmt.Sprintf("bow:1 %s 1 false  []", jobOf("bow")), fmt.Sprintf("bow:2 %s 2 false  []", jobOf("bow")),
		fmt.Sprintf("cup:1 %s 1 true cup-1.png []", jobOf("a cup of before")), fmt.Sprintf("cup:2 %s 2 true cup-2.png []", jobOf("a cup of before")),
		fmt.Sprintf("owl:1 %s 1 true owl-1.png []", jobOf("an owl of before")), fmt.Sprintf("owl:2 %s 2 true owl-2.png []", jobOf("an owl of before")),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	fresh, err := f.Fresh(t.Context(), images[:1])
	if err != nil || fresh[0] != batch.Gone {
		t.Errorf("an image that nobody stored is %v (%v)", fresh, err)
	}
	if err := b.Put(t.Context(), "night/axe-1.png", bytes.NewReader([]byte("abc"))); err != nil {
		t.Fatal(err)
	}
	if fresh, err = f.Fresh(t.Context(), images[:1]); err != nil || fresh[0] != batch.Replaced {
		t.Errorf("a file of nobody's under the name of an image is %v (%v)", fresh, err)
	}
}

func TestPicksInFigures(t *testing.T) {
	t.Parallel()
	tally := func(marks ...job.Mark) (t batch.PickTally) {
		for _, m := range marks {
			t.Add(m)
		}
		return t
	}
	if got := tally(job.Unmarked).Picks(1000); got != nil {
		t.Errorf("without marks there are figures: %+v", got)
	}
	if got := tally(job.Rejected, job.Unmarked).Picks(1000); got == nil || got.CUPerPicked != nil || got.Rejected != 1 || got.Unmarked != 1 {
		t.Errorf("without picks the figures are %+v", got)
	}
	got := tally(job.Picked, job.Picked, job.Picked, job.Rejected).Picks(50_000)
	if got == nil || got.Picked != 3 || *got.CUPerPicked != 16_667 {
		t.Errorf("the figures of three picks of 50 CU are %+v", got)
	}
}
