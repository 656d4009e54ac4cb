package admission

import (
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
)

// What a pause stops, how it is named, and that it ends to the millisecond, however
// long it is.
func TestCooldownStops(t *testing.T) {
	colleague := keyed{Account: Account{APIKey: "dusk", Project: "icons", Team: "art"}}
	teammate := keyed{Account: Account{APIKey: "dawn", Project: "levels", Team: "art"}}
	cases := []struct {
		name     string
		reason   job.WaitReason
		whole    bool
		of       string
		reads    bool // reads of the project are stopped
		project  bool // submits of another key of the project are stopped
		team     bool // and of another project of the team
		endless  bool
		duration time.Duration
	}{
		{"cooldown", job.WaitCooldown, false, "key night pauses", false, false, false, false, 45 * time.Minute},
		{"long cooldown", job.WaitCooldown, false, "key night pauses", false, false, false, false, 72*time.Hour + time.Second},
		{"allowance", job.WaitAllowance, false, "key night pauses", false, false, false, true, time.Hour},
		{"allowance of all", job.WaitAllowance, true, "team art pauses", false, true, true, true, time.Hour},
		{"quarantine", job.WaitQuarantine, false, "key night pauses", false, false, false, false, 10 * time.Minute},
		{"backoff", job.WaitBackoff, false, "key night pauses", false, false, false, false, 1500 * time.Millisecond},
		{"rate", job.WaitRequestRate, false, "requests of project icons pause", true, true, false, false, 7 * time.Second},
	}
	onBoth(t, func(t *testing.T, s server) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				a := s.admission(t)
				end := s.clock.time().Add(c.duration)
				mustDo(t, a.Cooldown(t.Context(), night, c.reason, c.whole, c.duration))
				wait := refused(t, a, claim("a", 1, free), c.reason)
				want := c.of + " until " + end.UTC().Format("2006-01-02 15:04:05 UTC")
				if wait.Detail != want || wait.NeedsOperator != c.endless || wait.After != c.duration {
					t.Errorf("got %+v, want %s, %q, endless %t", wait, c.duration, want, c.endless)
				}
				u := usage(t, a, free)
				blocked := map[job.WaitReason]time.Time{
					u.Key.BlockedFor: u.Key.BlockedUntil, u.Project.BlockedFor: u.Project.BlockedUntil, u.Team.BlockedFor: u.Team.BlockedUntil,
				}
				if !blocked[c.reason].Equal(end) || len(blocked) != 2 {
					t.Errorf("usage: got %v, want %s until %s", blocked, c.reason, end)
				}
				if err := a.Request(t.Context(), free.candidate()); (err != nil) != c.reads {
					t.Errorf("read: got %v, want it stopped: %t", err, c.reads)
				}
				if _, err := a.Reserve(t.Context(), claim("b", 1, colleague)); (err != nil) != c.project {
					t.Errorf("another key of the project: got %v, want it stopped: %t", err, c.project)
				}
				if _, err := a.Reserve(t.Context(), claim("c", 1, teammate)); (err != nil) != c.team {
					t.Errorf("another key of the team: got %v, want it stopped: %t", err, c.team)
				}
				s.clock.set(end.Add(-time.Millisecond))
				if rest := refused(t, a, claim("a", 1, free), c.reason).After; rest != time.Millisecond {
					t.Errorf("got a rest of %s, want 1ms", rest)
				}
				s.clock.set(end)
				mustReserve(t, a, claim("a", 1, free))
			})
		}
	})
}

func TestLaterEndStands(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a := s.admission(t)
		pause := func(reason job.WaitReason, d time.Duration) {
			t.Helper()
			mustDo(t, a.Cooldown(t.Context(), night, reason, false, d))
		}
		pause(job.WaitCooldown, time.Minute)
		pause(job.WaitQuarantine, time.Hour)
		pause(job.WaitCooldown, time.Minute)
		pause(job.WaitCooldown, 0)
		pause(job.WaitCooldown, -time.Minute)
		if got := refused(t, a, claim("a", 1, free), job.WaitQuarantine).After; got != time.Hour {
			t.Errorf("got %s, want the hour of the quarantine", got)
		}
		mustDo(t, a.Lift(t.Context(), Account{APIKey: "day"}))
		refused(t, a, claim("a", 1, free), job.WaitQuarantine)
		mustDo(t, a.Lift(t.Context(), night))
		mustReserve(t, a, claim("a", 1, free))
	})
}

// What only a person ends is lifted, of the team too; what time ends is not.
func TestLift(t *testing.T) {
	t.Parallel()
	a := emulated(t)
	mustDo(t, a.Cooldown(t.Context(), night, job.WaitAllowance, true, time.Hour))
	mustDo(t, a.Cooldown(t.Context(), night, job.WaitCooldown, false, time.Minute))
	refused(t, a, claim("a", 1, free), job.WaitAllowance)
	mustDo(t, a.Lift(t.Context(), night))
	refused(t, a, claim("a", 1, free), job.WaitCooldown)
}

func TestPauseForNoReason(t *testing.T) {
	t.Parallel()
	a := emulated(t)
	for _, reason := range []job.WaitReason{job.WaitStorage, job.WaitParallel, job.WaitKeyCU, ""} {
		if err := a.Cooldown(t.Context(), night, reason, false, time.Minute); err == nil {
			t.Errorf("%q, which is no pause, was taken", reason)
		}
	}
}

// What holds nothing any more is forgotten by Redis too.
func TestPausesAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := emulated(t)
		mustDo(t, a.Cooldown(t.Context(), night, job.WaitCooldown, false, 3*24*time.Hour))
		time.Sleep(3*24*time.Hour - time.Millisecond)
		refused(t, a, claim("a", 1, free), job.WaitCooldown)
		time.Sleep(time.Millisecond)
		mustReserve(t, a, claim("a", 1, free))
		time.Sleep(holdSpare)
		if n, err := a.redis.Exists(t.Context(), a.keys.counter("hold", Key, "night")).Result(); n != 0 || err != nil {
			t.Errorf("got %d, %v, want nothing left", n, err)
		}
	})
}
