package batch_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/batch"
	"nightshift/internal/batch/batchtest"
	"nightshift/internal/job"
)

func TestFollowerReadsEachLineOnce(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	writer, reader := batch.NewLog(bucket, "night"), batch.NewLog(bucket, "night")
	all, failures := reader.Follow(false), reader.Follow(true)
	if got := collect(t, all.Next(t.Context())); len(got) != 0 {
		t.Fatalf("a log that was never written has %d lines", len(got))
	}
	for from := 0; from < 90; from += 30 {
		var want, wantFailed []job.Result
		for i := from; i < from+30; i++ {
			result := batchtest.Result(i)
			want = append(want, result)
			if result.State != job.Succeeded {
				wantFailed = append(wantFailed, result)
			}
			if err := writer.Append(t.Context(), result); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, collect(t, all.Next(t.Context()))); diff != "" {
			t.Errorf("what was added (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(wantFailed, collect(t, failures.Next(t.Context()))); diff != "" {
			t.Errorf("failures that were added (-want +got):\n%s", diff)
		}
	}
}

// TestFollowerWaitsForTheEndOfALine: a writer may be in the middle of it.
func TestFollowerWaitsForTheEndOfALine(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	const start, end = `{"job":"a","state":"failed",`, `"row":"x","recorded":"2026-03-01T00:00:00Z"}` + "\n"
	follower := batch.NewLog(bucket, "night").Follow(true)
	bucket.Write(t, "night/errors.jsonl", start)
	if got := collect(t, follower.Next(t.Context())); len(got) != 0 {
		t.Fatalf("of half a line it read %v", got)
	}
	bucket.Write(t, "night/errors.jsonl", start+end)
	if got := collect(t, follower.Next(t.Context())); len(got) != 1 || got[0].Row != "x" {
		t.Errorf("of the whole line it read %v", got)
	}
}
