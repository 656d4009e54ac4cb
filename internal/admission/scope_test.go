package admission

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

// What a pause stops, and how it is named.
func TestCooldownStops(t *testing.T) {
	t.Parallel()
	cases := []struct {
		reason job.WaitReason
		reads  bool // reads of the project are stopped
		others bool // submits of another key of the project are stopped
	}{
		{job.WaitCooldown, false, false},
		{job.WaitAllowance, false, false},
		{job.WaitQuarantine, false, false},
		{job.WaitBackoff, false, false},
		{job.WaitRequestRate, true, true},
	}
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		for _, c := range cases {
			t.Run(string(c.reason), func(t *testing.T) {
				a := New(Options{Redis: client, Prefix: t.Name()})
				mustDo(t, a.Cooldown(t.Context(), nightScope, c.reason, 45*time.Minute))
				_, err := a.Reserve(t.Context(), claim("a", 1, Limits{}))
				within(t, mustWait(t, err, c.reason).After, 45*time.Minute, 10*time.Second)
				if got := usage(t, a, Limits{}).BlockedFor; got != c.reason {
					t.Errorf("usage: blocked for %q, want %q", got, c.reason)
				}
				if err := a.Request(t.Context(), nightScope, Limits{}); (err != nil) != c.reads {
					t.Errorf("read: got %v, want it stopped: %t", err, c.reads)
				}
				other := claim("b", 1, Limits{})
				other.Scope.APIKey = "day"
				if _, err := a.Reserve(t.Context(), other); (err != nil) != c.others {
					t.Errorf("other key: got %v, want it stopped: %t", err, c.others)
				}
			})
		}
	})
}

func TestLongerPauseWins(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		a := New(Options{Redis: client})
		pause := func(reason job.WaitReason, d time.Duration) {
			t.Helper()
			mustDo(t, a.Cooldown(t.Context(), nightScope, reason, d))
		}
		pause(job.WaitCooldown, time.Minute)
		pause(job.WaitQuarantine, time.Hour)
		pause(job.WaitCooldown, time.Minute)
		pause(job.WaitCooldown, -time.Minute)
		_, err := a.Reserve(t.Context(), claim("a", 1, Limits{}))
		within(t, mustWait(t, err, job.WaitQuarantine).After, time.Hour, 10*time.Second)
	})
}

func TestCooldownForNoReason(t *testing.T) {
	t.Parallel()
	a := New(Options{Redis: emulator(t)})
	if err := a.Cooldown(t.Context(), nightScope, job.WaitStorage, time.Minute); err == nil {
		t.Error("a reason that is no pause was taken")
	}
}

// Seeding raises, once for each batch and key, and adds up over the batches of a key.
func TestSpend(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		a := New(Options{Redis: client})
		swords := nightScope
		swords.Batch = "swords"
		day := nightScope
		day.APIKey = "day"
		mustReserve(t, a, claim("a", 10, Limits{}))
		mustDo(t, a.Settle(t.Context(), nightScope, "a", 1, 10000, 0))
		mustReserve(t, a, claim("b", 5, Limits{}))
		mustDo(t, a.Spend(t.Context(), nightScope, 100000, 70000))
		mustDo(t, a.Settle(t.Context(), nightScope, "b", 1, 5000, 0))
		mustDo(t, a.Spend(t.Context(), nightScope, 105000, 75000)) // once only
		mustDo(t, a.Spend(t.Context(), day, 100000, 30000))
		mustDo(t, a.Spend(t.Context(), swords, 40000, 40000))
		mustDo(t, a.Spend(t.Context(), day, 999000, 999000)) // once only
		got := usage(t, a, Limits{})
		want := Usage{Key: Spending{Spent: 115000}, Batch: Spending{Spent: 105000}, RequestsLeft: -1}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("usage (-want +got):\n%s", diff)
		}
	})
}

// A log that knows less than is counted lowers nothing.
func TestSpendNeverLowers(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		a := New(Options{Redis: client})
		mustReserve(t, a, claim("a", 10, Limits{}))
		mustDo(t, a.Settle(t.Context(), nightScope, "a", 1, 10000, 0))
		mustDo(t, a.Spend(t.Context(), nightScope, 3000, 3000))
		if got := usage(t, a, Limits{}); got.Batch.Spent != 10000 || got.Key.Spent != 10000 {
			t.Errorf("got %+v, want 10 CU spent in both", got)
		}
	})
}

// A grant stays counted where it was taken, and is given back there.
func TestGrantKeepsItsScope(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		a := New(Options{Redis: client})
		mustReserve(t, a, claim("a", 10, Limits{}))
		moved := claim("a", 10, Limits{})
		moved.Scope.APIKey, moved.Scope.Project, moved.Scope.Team = "day", "levels", "engine"
		want := Grant{Scope: nightScope, Amount: 10000, Again: true}
		if got := mustReserve(t, a, moved); got != want {
			t.Errorf("asked again with another key: got %+v, want %+v", got, want)
		}
		mustDo(t, a.Free(t.Context(), moved.Scope, "a", 1))
		if got := usage(t, a, Limits{}).Running; got != 0 {
			t.Errorf("got %d running after Free with another team, want 0", got)
		}
		mustDo(t, a.Settle(t.Context(), moved.Scope, "a", 1, 9000, 0))
		if got, want := usage(t, a, Limits{}).Key, (Spending{Spent: 9000}); got != want {
			t.Errorf("got %+v on the key that was granted, want %+v", got, want)
		}
	})
}
