package batch_test

import (
	"fmt"
	"sync"
	"testing"

	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/job"
)

// News of many workers at the same moment are all kept.
func TestCeilingsOfManyAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const workers = 8
	var learning sync.WaitGroup
	for i := range workers {
		b, err := bucket.NewLocal(dir)
		if err != nil {
			t.Fatal(err)
		}
		learning.Go(func() {
			if err := batch.KeepCeilings(t.Context(), b, job.Live, map[string]int{fmt.Sprint(i): i + 1}); err != nil {
				t.Error(err)
			}
		})
	}
	learning.Wait()
	b, err := bucket.NewLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := batch.ReadCeilings(t.Context(), b)
	if err != nil || len(kept[job.Live]) != workers {
		t.Errorf("kept %v, %v", kept, err)
	}
}

// What was learned of one mode or team says nothing of another, and news leave the rest.
func TestCeilingsAreKeptByModeAndTeam(t *testing.T) {
	t.Parallel()
	b, err := bucket.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, learned := range []struct {
		mode job.Mode
		of   map[string]int
	}{{job.Live, map[string]int{"art": 6, "": 4}}, {job.Test, map[string]int{"art": 10}}, {job.Live, map[string]int{"art": 7}}, {job.Live, nil}} {
		if err := batch.KeepCeilings(t.Context(), b, learned.mode, learned.of); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := batch.ReadCeilings(t.Context(), b)
	if err != nil || kept.Of(job.Live, "art") != 7 || kept.Of(job.Live, "") != 4 || kept.Of(job.Test, "art") != 10 || kept.Of(job.Test, "") != 0 {
		t.Errorf("kept %v, %v", kept, err)
	}
}
