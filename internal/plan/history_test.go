package plan

import (
	"errors"
	"fmt"
	"iter"
	"testing"

	"nightshift/internal/job"
)

func resultsOf(results ...job.Result) iter.Seq2[job.Result, error] {
	return func(yield func(job.Result, error) bool) {
		for _, result := range results {
			if !yield(result, nil) {
				return
			}
		}
	}
}

func TestHistoryStatus(t *testing.T) {
	t.Parallel()
	h, err := readHistory(t.Context(), resultsOf(
		job.Result{Job: "aaaaaaaaaaaaaaaa", State: job.Succeeded, Outputs: []string{"a-1.{ext}", "a-2.{ext}"}},
		job.Result{Job: "bbbbbbbbbbbbbbbb", State: job.Failed, Outputs: []string{"b.{ext}"}},
	))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		job  job.Job
		want Status
	}{
		{"the same job", job.Job{ID: "aaaaaaaaaaaaaaaa", Outputs: []string{"a-1.{ext}", "a-2.{ext}"}}, Kept},
		{"another job under one of its names", job.Job{ID: "cccccccccccccccc", Outputs: []string{"x", "a-2.{ext}"}}, Changed},
		{"another name", job.Job{ID: "dddddddddddddddd", Outputs: []string{"d.{ext}"}}, New},
		{"failed before", job.Job{ID: "bbbbbbbbbbbbbbbb", Outputs: []string{"b.{ext}"}}, New},
	}
	for _, test := range tests {
		if got := h.status(&test.job); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestHistoryEndsWithTheResultsError(t *testing.T) {
	t.Parallel()
	broken := errors.New("bucket is away")
	_, err := readHistory(t.Context(), func(yield func(job.Result, error) bool) { yield(job.Result{}, broken) })
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

func TestDigestSet(t *testing.T) {
	t.Parallel()
	set := &digestSet{}
	for i := range 20_000 {
		set.add(digestOf(fmt.Sprint(i)))
	}
	set.sort()
	for i := range 40_000 {
		if got, want := set.has(digestOf(fmt.Sprint(i))), i < 20_000; got != want {
			t.Fatalf("has(%d) is %t, want %t", i, got, want)
		}
	}
}
