package runner

import (
	"testing"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// A process that stood still with a list in its hands must not take it for one of
// now: what the list does not show may have been accepted since.
func TestOldListsSayNothingOfNow(t *testing.T) {
	t.Parallel()
	const grace = 40 * time.Second
	ref, now := job.Ref{Batch: "icons", ID: "a"}, time.Now()
	w := &watcher{Runner: &Runner{Options: Options{Grace: grace}}, absent: make(map[job.Ref]absence)}
	rec := &job.Record{Ref: ref, State: job.Unknown, Since: now.Add(-time.Hour)}
	for i := range 2 * absences { // none of them asked for after the grace time; sending again would need a store
		asked := rec.Since.Add(grace * time.Duration(i) / (2*absences + 1))
		if err := w.countAbsence(t.Context(), &search{matches: map[job.Ref]*provider.Match{rec.Ref: {}}}, asked, rec); err != nil {
			t.Fatal(err)
		}
	}
	if seen := w.absent[ref]; seen.lists < absences-1 {
		t.Errorf("absent from %d lists: the test did not come near the end", seen.lists)
	}
}

// A list in which nothing is of the time of a lost request may be empty by a fault: it is
// not sent again on its word.
func TestBareListsProveNothing(t *testing.T) {
	t.Parallel()
	const grace = 40 * time.Second
	ref, now := job.Ref{Batch: "icons", ID: "a"}, time.Now()
	w := &watcher{Runner: &Runner{Options: Options{Grace: grace}}, absent: make(map[job.Ref]absence)}
	rec := &job.Record{Ref: ref, State: job.Unknown, Since: now.Add(-time.Hour)}
	s := &search{matches: map[job.Ref]*provider.Match{ref: {Bare: true}}}
	for i := range 3 * absences { // sending again would need a store
		if err := w.countAbsence(t.Context(), s, now.Add(time.Duration(i)*grace), rec); err != nil {
			t.Fatal(err)
		}
	}
}
