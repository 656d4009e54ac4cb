package results_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/results"
)

func allSent(t *testing.T, sent *results.Sent) []job.Submission {
	t.Helper()
	var all []job.Submission
	for submission, err := range sent.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, submission)
	}
	return all
}

func TestSentOutlivesItsWriter(t *testing.T) {
	t.Parallel()
	bucket := newFolder(t)
	sent := results.NewSent(bucket, "icons")
	at := time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)
	want := []job.Submission{
		{Event: job.Intended, ID: "aaaa", Attempt: 1, At: at, Job: &job.Job{
			ID: "aaaa", Row: "a", Model: "model_x", Inputs: job.Inputs{"prompt": "<a> & b"}, Outputs: []string{"a.{ext}"}, Quote: 10750,
		}},
		{Event: job.Received, ID: "aaaa", Attempt: 1, At: at, Inference: "job_1", Author: "apiu_1", Made: at},
		{Event: job.Refused, ID: "bbbb", Attempt: 2, At: at},
	}
	for _, submission := range want {
		if err := sent.Note(t.Context(), submission); err != nil {
			t.Fatal(err)
		}
	}
	// A process that dies while it writes leaves half a line. Nothing was sent for it.
	torn := bucket.text(t, "icons/_nightshift/sent.jsonl") + `{"event":"intended","job":"cc`
	bucket.write(t, "icons/_nightshift/sent.jsonl", torn)
	later := results.NewSent(bucket, "icons")
	if diff := cmp.Diff(want, allSent(t, later)); diff != "" {
		t.Errorf("what was sent (-want +got):\n%s", diff)
	}
	if err := later.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := allSent(t, later); len(left) != 0 {
		t.Errorf("after clearing: %v", left)
	}
}
