package batch_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/batch/batchtest"
	"nightshift/internal/job"
	"nightshift/internal/plan"
)

// What is made of a picked image runs, though the image in between is gone and made again.
func TestPlanAgain(t *testing.T) {
	t.Parallel()
	b := batchtest.Local(t)
	takes := func(row, from string, picked bool, status plan.Status) *plan.PlannedJob {
		j := job.Job{ID: jobOf(row), Row: row, Model: "model_x", Inputs: job.Inputs{"prompt": row}, Outputs: outputsOf(row), Picked: picked, Quote: 1000}
		if from != "" {
			j.Inputs["image"], j.PictureInputs = image(from, 1).String(), []string{"image"}
		}
		return &plan.PlannedJob{Status: status, Job: j}
	}
	var lines []byte
	for i, planned := range []*plan.PlannedJob{
		takes("axe", "", false, plan.New), takes("axe/cut", "axe", false, plan.Kept), takes("axe/large", "axe/cut", true, plan.Waiting),
		takes("bow", "", false, plan.New), takes("bow/large", "bow", true, plan.Waiting),
	} {
		planned.Index = i
		lines = planned.AppendLine(lines)
	}
	const key = "night/_nightshift/plans/one.jsonl"
	if err := b.Put(t.Context(), key, bytes.NewReader(lines)); err != nil {
		t.Fatal(err)
	}
	made(t, b, 1, jobOf("axe/cut"), "axe/cut", nil) // and not in the bucket
	appendPicks(t, b, mark("axe", 1, job.Picked))
	folder := batch.NewFolder(b, "night")
	last := &batch.Submission{ID: "1-a", Batch: "night", Plan: key, Revision: 1, Jobs: 5}
	next, err := folder.PlanAgain(t.Context(), last, time.Now(), batch.RetryRules{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for planned, err := range batch.PlannedJobs(t.Context(), b, next.Plan) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(planned.Row, " ", planned.Status))
	}
	if got, want := strings.Join(got, ", "), "axe new, axe/cut new, axe/large new, bow new, bow/large waiting"; got != want {
		t.Errorf("planned are %s, want %s", got, want)
	}
	if next.Revision != 2 || next.Waiting != 1 || next.WaitingCost != 1000 || next.Cost != 3000 || next.ToRun() != 4 {
		t.Errorf("the submission is %+v", next)
	}
	budget := job.CU(2000)
	last.Rules.Budget = &budget
	if _, err := folder.PlanAgain(t.Context(), last, time.Now(), batch.RetryRules{}); err == nil || job.Hint(err) == "" {
		t.Errorf("beyond the budget: %v", err)
	} else if _, input := errors.AsType[*job.InputError](err); !input {
		t.Errorf("beyond the budget: %v", err)
	}
}
