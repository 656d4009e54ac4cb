package job_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
)

var entryTime = time.Date(2026, 3, 4, 23, 50, 0, 0, time.UTC)

func sampleEntry() job.Entry {
	return job.Entry{
		Life: "life1", Place: "1763990000000-0", At: entryTime, Event: job.EntrySettle, Batch: "icons", Job: "aaaa", Attempt: 1,
		APIKey: "studio", Project: "proj", Team: "team", Reserved: 10_750, Billed: 10_750, Refunded: 750,
	}
}

func TestEntryIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	charged := sampleEntry()
	charged.Charged = entryTime.Add(time.Hour)
	for _, want := range []job.Entry{sampleEntry(), charged} {
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got job.Entry
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", data, diff)
		}
	}
}

func TestEntryCheck(t *testing.T) {
	t.Parallel()
	if err := sampleEntry().Check(); err != nil {
		t.Errorf("a whole entry is refused: %v", err)
	}
	for name, breaks := range map[string]func(*job.Entry){
		"event":      func(e *job.Entry) { e.Event = "spend" },
		"life":       func(e *job.Entry) { e.Life = "" },
		"batch":      func(e *job.Entry) { e.Batch = "" },
		"job":        func(e *job.Entry) { e.Job = "" },
		"attempt":    func(e *job.Entry) { e.Attempt = 0 },
		"no place":   func(e *job.Entry) { e.Place = "" },
		"half place": func(e *job.Entry) { e.Place = "1763990000000" },
		"place":      func(e *job.Entry) { e.Place = "1763990000000-x" },
		"reserved":   func(e *job.Entry) { e.Reserved = -1 },
		"billed":     func(e *job.Entry) { e.Billed, e.Refunded = -1, -2 },
		"refunded":   func(e *job.Entry) { e.Refunded = e.Billed + 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entry := sampleEntry()
			breaks(&entry)
			if err := entry.Check(); !errors.Is(err, job.ErrInvalid) {
				t.Errorf("%+v: error %v, want one of kind invalid", entry, err)
			}
		})
	}
}

func TestPlacesAdvanceAsNumbers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		last, next string
		want       bool
	}{
		{"9-0", "10-0", true},
		{"10-0", "9-0", false},
		{"10-9", "10-10", true},
		{"10-10", "10-9", false},
		{"10-10", "11-0", true},
		{"10-1", "10-1", false},
		{"1763990000000-0", "999999999999-99", false},
		{"5-18446744073709551614", "5-18446744073709551615", true},
	} {
		entry := sampleEntry()
		places := job.Places{}
		entry.Place = test.last
		places.Advance(entry)
		entry.Place = test.next
		copied := places.Clone()
		if got := copied.Advance(entry); got != test.want {
			t.Errorf("after %s, %s is new: %t, want %t", test.last, test.next, got, test.want)
		}
		if got := places.Advance(entry); got != test.want {
			t.Errorf("advancing a copy to %s moved the original", test.next)
		}
	}
}

func TestPlacesTellLivesAndBatchesApart(t *testing.T) {
	t.Parallel()
	places := job.Places{}
	places.Advance(sampleEntry())
	otherLife, otherBatch := sampleEntry(), sampleEntry()
	otherLife.Life, otherBatch.Batch = "life2", "relics"
	otherLife.Place, otherBatch.Place = "1-0", "1-0"
	for _, entry := range []job.Entry{otherLife, otherBatch} {
		if !places.Advance(entry) {
			t.Errorf("the first entry of life %s and batch %s counts as seen", entry.Life, entry.Batch)
		}
	}
}
