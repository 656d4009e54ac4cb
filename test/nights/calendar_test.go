package nights

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/simulator"
	"nightshift/internal/wait"
)

// TestCapsRenew runs a batch over the ends of days and months: it pauses when the cap
// is reached, says until when, and goes on in the first minute of the next period.
func TestCapsRenew(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	utc := func(month time.Month, day, hour int) time.Time {
		return time.Date(2000, month, day, hour, 0, 0, 0, time.UTC)
	}
	midnight := func(month time.Month, day int) time.Time { return time.Date(2000, month, day, 0, 0, 0, 0, paris) }
	tests := []struct {
		name   string
		keys   string
		starts []time.Time
		long   time.Duration // the whole periods among them
	}{
		{"a key's day", poolOf(entryOf(keyA, "cu: {day: 20}")), []time.Time{utc(1, 2, 0), utc(1, 3, 0)}, 24 * time.Hour},
		{"a day of 23 hours", poolOf(entryOf(keyA)) + "teams: {team_1: {cu: {day: 20}, timezone: Europe/Paris}}\n", []time.Time{midnight(3, 26), midnight(3, 27)}, 23 * time.Hour},
		{"a day of 25 hours", poolOf(entryOf(keyA)) + "projects: {proj_1: {cu: {day: 20}, timezone: Europe/Paris}}\n", []time.Time{midnight(10, 29), midnight(10, 30)}, 25 * time.Hour},
		{"a batch's day", poolOf(entryOf(keyA)) + "batches: {night: {cu: {day: 20}, timezone: Asia/Kathmandu}}\n", []time.Time{time.Date(2000, 5, 1, 18, 15, 0, 0, time.UTC), time.Date(2000, 5, 2, 18, 15, 0, 0, time.UTC)}, 24 * time.Hour},
		{"a month that begins on the 31st", poolOf(entryOf(keyA, "cu: {month: 20}", "reset_day: 31")), []time.Time{utc(1, 31, 0), utc(2, 29, 0), utc(3, 31, 0), utc(4, 30, 0)}, 90 * 24 * time.Hour},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if long := test.starts[len(test.starts)-1].Sub(test.starts[0]); long != test.long {
				t.Fatalf("the periods take %s, want %s", long, test.long)
			}
			synctest.Test(t, func(t *testing.T) {
				n := newKeyNight(t, keyOptions(keyA), mixed(40), test.keys)
				for i, start := range test.starts {
					n.passUntil(start.Add(-time.Minute))
					if i%2 == 1 {
						n.redis.FlushAll() // what was spent must come back from the logs
					}
					s := n.run()
					n.until("the cap is used up", 59*time.Second, func() bool { return s.waitsUntil(start) })
					time.Sleep(time.Until(start.Add(45 * time.Second))) // virtual
					s.interrupt()
				}
				n.sent(test.starts)
			})
		})
	}
}

// waitsUntil reports whether a run waits for CU up to a moment.
func (s *shift) waitsUntil(at time.Time) bool {
	return slices.ContainsFunc(s.out.waits(), func(w waiting) bool {
		return wait.ForCU(w.Reason) && w.Until.Sub(at).Abs() < time.Second
	})
}

// sent judges when the runs of a night began whose cap of 20 CU renews at times.
func (n *night) sent(starts []time.Time) {
	n.t.Helper()
	all := capped{20 * job.OneCU, func(simulator.Entry) bool { return true }}
	for i, start := range starts {
		end := start.Add(time.Hour)
		n.holds(start.String(), all, start, end)
		entries := n.sim.Ledger()
		first := slices.IndexFunc(entries, func(e simulator.Entry) bool { return !e.Accepted.Before(start) })
		if first < 0 || entries[first].Accepted.After(start.Add(40*time.Second)) {
			n.t.Errorf("soon after %s nothing was sent", start)
		}
		if i+1 < len(starts) && slices.ContainsFunc(entries, func(e simulator.Entry) bool {
			return e.Accepted.After(end) && e.Accepted.Before(starts[i+1])
		}) {
			n.t.Errorf("between %s and %s more was sent", end, starts[i+1])
		}
	}
}
