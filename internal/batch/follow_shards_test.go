package batch_test

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/batch/batchtest"
	"nightshift/internal/job"
)

// shuffled is a bucket whose objects cannot seek, and whose logs get lines before those
// that were read, as on S3.
type shuffled struct {
	batch.Bucket
	lines []string
}

func (s *shuffled) Open(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(strings.NewReader(strings.Join(s.lines, "")))), nil
}

// Each line is told once, wherever it comes to stand.
func TestFollowerOfShards(t *testing.T) {
	t.Parallel()
	b := new(shuffled)
	follower := batch.NewLog(b, "night").Follow(true)
	line := func(row string) string { return encoded(t, row) }
	var told []string
	for _, lines := range [][]string{{"b"}, {"b"}, {"a", "b"}, {"a", "b", "c"}, {"c", "a", "b", "d"}} {
		b.lines = nil
		for _, row := range lines {
			b.lines = append(b.lines, line(row))
		}
		for result, err := range follower.Next(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			told = append(told, result.Row)
		}
	}
	if want := []string{"b", "a", "c", "d"}; !slices.Equal(told, want) {
		t.Errorf("told were %v, want %v", told, want)
	}
}

// encoded is a line of the log.
func encoded(t *testing.T, row string) string {
	t.Helper()
	folder := batchtest.NewFolder(t)
	log := batch.NewLog(folder, "night")
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := log.Append(t.Context(), job.Result{Job: job.ID(row), Row: row, State: job.Failed, Attempts: 1, Recorded: at}); err != nil {
		t.Fatal(err)
	}
	return folder.Text(t, "night/errors.jsonl")
}
