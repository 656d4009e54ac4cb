package admission

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"nightshift/internal/job"
)

// Each movement of CU is an entry, in order, and what was exported is forgotten.
func TestJournal(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a, start := s.admission(t), s.clock.time()
		charged := start.Add(-26 * time.Hour)
		mustReserve(t, a, claim("a", 10, free))
		mustDo(t, a.Adopt(t.Context(), ref("b"), 2, day, 3000, charged))
		s.clock.move(time.Hour)
		mustDo(t, a.Free(t.Context(), Attempt{ref("a"), 1, night}))
		mustDo(t, a.Settle(t.Context(), ref("a"), 1, day, 9500, 500))
		mustDo(t, a.Release(t.Context(), ref("b"), 2, day))
		other := claim("a", 1, free)
		other.Ref.Batch = "swords"
		mustReserve(t, a, other)

		entry := func(event job.EntryEvent, id job.ID, attempt int, in Account, at time.Time, reserved, billed, refunded job.CU) job.Entry {
			return job.Entry{
				Life: a.Life(), Event: event, Batch: "potions", Job: id, Attempt: attempt,
				APIKey: in.APIKey, Project: in.Project, Team: in.Team,
				Reserved: reserved, Billed: billed, Refunded: refunded, Charged: at.UTC(),
			}
		}
		want := []job.Entry{
			entry(job.EntryReserve, "a", 1, night, start, 10000, 0, 0),
			entry(job.EntryAdopt, "b", 2, day, charged, 3000, 0, 0),
			entry(job.EntrySettle, "a", 1, night, start, 10000, 9500, 500),
			entry(job.EntryRelease, "b", 2, day, charged, 3000, 0, 0),
		}
		got, err := a.Entries(t.Context(), "potions", 100)
		mustDo(t, err)
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(job.Entry{}, "Place", "At")); diff != "" {
			t.Fatalf("journal (-want +got):\n%s", diff)
		}
		places := job.Places{}
		for _, e := range got {
			mustDo(t, e.Check())
			if !places.Advance(e) {
				t.Errorf("entry %s comes before the one before it", e.Place)
			}
			if age := time.Since(e.At); age < -time.Minute || age > time.Minute {
				t.Errorf("entry of %s, want the present", e.At)
			}
		}

		first, err := a.Entries(t.Context(), "potions", 3)
		if diff := cmp.Diff(got[:3], first); diff != "" || err != nil {
			t.Errorf("the oldest three (%v, -want +got):\n%s", err, diff)
		}
		mustDo(t, a.Forget(t.Context(), "potions", first))
		mustDo(t, a.Forget(t.Context(), "potions", first)) // again, and of none
		mustDo(t, a.Forget(t.Context(), "potions", nil))
		rest, err := a.Entries(t.Context(), "potions", 100)
		if diff := cmp.Diff(got[3:], rest); diff != "" || err != nil {
			t.Errorf("the rest (%v, -want +got):\n%s", err, diff)
		}
		mustDo(t, a.Forget(t.Context(), "potions", rest))
		mustReserve(t, a, claim("c", 1, free))
		after, err := a.Entries(t.Context(), "potions", 100)
		if err != nil || len(after) != 1 || !places.Advance(after[0]) {
			t.Errorf("got %+v (%v), want one entry after all that were forgotten", after, err)
		}
	})
}

// An entry that cannot be read is an error and no entry.
func TestDamagedJournal(t *testing.T) {
	t.Parallel()
	a := emulated(t)
	damage := map[string][]any{
		"owner":  {"owner", "nobody", "event", "reserve"},
		"amount": {"owner", "a/1/potions", "event", "reserve", "reserved", "much"},
	}
	for name, values := range damage {
		mustDo(t, a.redis.Do(t.Context(), append([]any{"XADD", a.keys.journal(name), "*"}, values...)...).Err())
		if entries, err := a.Entries(t.Context(), name, 10); err == nil {
			t.Errorf("%s: got %+v, want an error", name, entries)
		}
	}
}
