package job_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
)

// tape makes the entries of one batch and life, one after the other.
type tape struct {
	batch, life string
	next        int
}

func (w *tape) entry(event job.EntryEvent, id job.ID, attempt int, amount job.CU) job.Entry {
	w.next++
	e := job.Entry{
		Life: w.life, Place: fmt.Sprintf("%d-%d", 1000+w.next/3, w.next%3), At: entryTime.Add(time.Duration(w.next) * time.Second),
		Event: event, Batch: w.batch, Job: id, Attempt: attempt, APIKey: "studio", Reserved: amount,
	}
	if event == job.EntrySettle {
		e.Billed = amount
	}
	return e
}

func sum(entries ...job.Entry) *job.Spend {
	spend := &job.Spend{}
	for _, e := range entries {
		spend.Add(e)
	}
	return spend
}

// step is one entry of the attempt that is tested.
type step struct {
	event  job.EntryEvent
	amount job.CU
	life   string
}

func TestSpendFoldsAnAttempt(t *testing.T) {
	t.Parallel()
	const reserve, adopt, settle, release = job.EntryReserve, job.EntryAdopt, job.EntrySettle, job.EntryRelease
	for _, test := range []struct {
		name        string
		steps       []step
		held, spent job.CU
	}{
		{"nothing", nil, 0, 0},
		{"reserved", []step{{reserve, 5, "a"}}, 5, 0},
		{"adopted", []step{{adopt, 5, "a"}}, 5, 0},
		{"settled above its quote", []step{{reserve, 5, "a"}, {settle, 7, "a"}}, 0, 7},
		{"released", []step{{reserve, 5, "a"}, {release, 5, "a"}}, 0, 0},
		{"reserved again", []step{{reserve, 5, "a"}, {release, 5, "a"}, {reserve, 6, "a"}}, 6, 0},
		{"reserved twice", []step{{reserve, 5, "a"}, {reserve, 6, "a"}}, 6, 0},
		{"adopted in the next life", []step{{reserve, 5, "a"}, {adopt, 6, "b"}}, 6, 0},
		{"released twice", []step{{reserve, 5, "a"}, {release, 5, "a"}, {release, 5, "b"}}, 0, 0},
		{"settled twice", []step{{reserve, 5, "a"}, {settle, 5, "a"}, {settle, 9, "a"}}, 0, 5},
		{"settled in two lives", []step{{reserve, 5, "a"}, {settle, 5, "a"}, {adopt, 5, "b"}, {settle, 5, "b"}}, 0, 5},
		{"adopted after its settle", []step{{reserve, 5, "a"}, {settle, 5, "a"}, {adopt, 5, "b"}}, 0, 5},
		{"reserved after its settle", []step{{settle, 5, "a"}, {reserve, 5, "b"}}, 0, 5},
		{"settled after its release", []step{{reserve, 5, "a"}, {release, 5, "a"}, {settle, 5, "b"}}, 0, 5},
		{"settled for nothing, and again", []step{{settle, 0, "a"}, {settle, 5, "b"}}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			spend := &job.Spend{}
			for i, s := range test.steps {
				w := tape{batch: "icons", life: s.life, next: i}
				spend.Add(w.entry(s.event, "aaaa", 1, s.amount))
			}
			held, billed, refunded := spend.Total()
			if held != test.held || billed != test.spent || refunded != 0 {
				t.Errorf("%s held, %s billed, %s refunded; want %s held and %s billed", held, billed, refunded, test.held, test.spent)
			}
			if open := len(spend.Open()); (open > 0) != (test.held > 0) {
				t.Errorf("%d attempts are open", open)
			}
		})
	}
}

func TestSpendTellsAttemptsApart(t *testing.T) {
	t.Parallel()
	icons, relics := tape{batch: "icons", life: "a"}, tape{batch: "relics", life: "a"}
	spend := sum(
		icons.entry(job.EntrySettle, "aaaa", 1, 1), icons.entry(job.EntrySettle, "aaaa", 2, 20),
		icons.entry(job.EntrySettle, "aaaa", 12, 300), icons.entry(job.EntrySettle, "aaaa1", 2, 4000),
		relics.entry(job.EntrySettle, "aaaa", 1, 50000),
		icons.entry(job.EntryAdopt, "bbbb", 1, 1), icons.entry(job.EntryAdopt, "aaaa", 3, 2), relics.entry(job.EntryReserve, "bbbb", 1, 3),
	)
	if held, billed, _ := spend.Total(); billed != 54321 || held != 6 {
		t.Errorf("%s billed and %s held", billed, held)
	}
	var open []string
	for _, e := range spend.Open() {
		open = append(open, fmt.Sprint(e.Batch, " ", e.Job, " ", e.Attempt))
	}
	if diff := cmp.Diff([]string{"icons aaaa 3", "icons bbbb 1", "relics bbbb 1"}, open); diff != "" {
		t.Errorf("open (-want +got):\n%s", diff)
	}
}

func TestSpendSlices(t *testing.T) {
	t.Parallel()
	w := tape{batch: "icons", life: "a"}
	settle := func(attempt int, key string, billed, refunded job.CU, at, charged time.Time) job.Entry {
		e := w.entry(job.EntrySettle, "aaaa", attempt, 0)
		e.APIKey, e.Project, e.Team, e.Billed, e.Refunded, e.At, e.Charged = key, "proj", "team", billed, refunded, at, charged
		return e
	}
	midnight := time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)
	india := time.FixedZone("IST", 19800)
	spend := sum(
		settle(1, "studio", 1, 0, midnight.Add(-time.Nanosecond), time.Time{}),
		settle(2, "studio", 20, 0, midnight, time.Time{}),
		settle(3, "studio", 300, 0, midnight.Add(time.Hour), midnight.Add(-15*time.Minute)),              // noticed later than it was charged
		settle(4, "studio", 4000, 1000, midnight.Add(15*time.Minute-1).In(india), time.Time{}.In(india)), // zero in any zone
		settle(5, "agency", 50000, 0, midnight, midnight.Add(14*time.Minute).In(india)),
		settle(6, "agency", 7, 7, midnight, time.Time{}), // refunded: nothing spent
		settle(7, "none", 7, 7, midnight, time.Time{}),
	)
	slice := func(key string, start time.Time, amount job.CU) job.Slice {
		return job.Slice{APIKey: key, Project: "proj", Team: "team", Batch: "icons", Quarter: start, CU: amount}
	}
	want := []job.Slice{
		slice("agency", midnight, 50000),
		slice("studio", midnight.Add(-15*time.Minute), 301),
		slice("studio", midnight, 3020),
	}
	if diff := cmp.Diff(want, spend.Slices()); diff != "" {
		t.Errorf("slices (-want +got):\n%s", diff)
	}
}

func TestSpendCountsEntries(t *testing.T) {
	t.Parallel()
	w := tape{batch: "icons", life: "a"}
	entries := []job.Entry{
		w.entry(job.EntryReserve, "aaaa", 1, 5), w.entry(job.EntrySettle, "aaaa", 1, 5), w.entry(job.EntrySettle, "aaaa", 1, 5),
		w.entry(job.EntryReserve, "bbbb", 1, 5), w.entry(job.EntryRelease, "bbbb", 1, 5), w.entry(job.EntryAdopt, "cccc", 1, 5),
	}
	spend := sum(append(entries, entries...)...)
	for event, want := range map[job.EntryEvent]int{job.EntryReserve: 2, job.EntrySettle: 2, job.EntryRelease: 1, job.EntryAdopt: 1} {
		if got := spend.Count(event); got != want {
			t.Errorf("%d entries of %s, want %d", got, event, want)
		}
	}
	last := entries[len(entries)-1]
	if diff := cmp.Diff(job.Places{"icons": {"a": last.Place}}, spend.Places()); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

func TestSpendRefusesDamagedJSON(t *testing.T) {
	t.Parallel()
	for text, kind := range map[string]error{
		`{"settled":"AAAA"}`:                  job.ErrInvalid, // three bytes are no digests
		`{"places":{},"counts":null}`:         nil,
		`{"places":{"icons":null},"open":[]}`: nil,
		`null`:                                nil,
	} {
		var spend job.Spend
		if err := json.Unmarshal([]byte(text), &spend); !errors.Is(err, kind) || (err == nil) != (kind == nil) {
			t.Errorf("%s: error %v, want %v", text, err, kind)
		}
		spend.Add(sampleEntry()) // whatever was read, it goes on
		if _, billed, _ := spend.Total(); billed != 10_750 {
			t.Errorf("%s: %s billed after a bill of 10.75", text, billed)
		}
	}
}
