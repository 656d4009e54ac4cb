package worker

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/fleet"
)

func TestLandedLooksBackFiveMinutes(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)
	var l storedTimes
	for i := range 20 { // one a minute
		l.add("night", 2, start.Add(time.Duration(i)*time.Minute))
	}
	l.add("day", 1, start.Add(19*time.Minute))
	want := map[string]fleet.Stored{
		"night": {Jobs: 5, Images: 10, Seconds: 290},
		"day":   {},
	}
	if diff := cmp.Diff(want, l.recent(start.Add(19*time.Minute))); diff != "" {
		t.Errorf("after 19 minutes (-want +got):\n%s", diff)
	}
	if got := l.recent(start.Add(time.Hour)); len(got) != 0 || len(l.batches) != 0 {
		t.Errorf("after an hour of nothing there is still %v", got)
	}
}
