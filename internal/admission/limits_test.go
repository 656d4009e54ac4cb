package admission

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

// Each limit makes the next job wait, with its reason, words and time.
func TestWaits(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		limits  Limits
		reason  job.WaitReason
		detail  string
		longest time.Duration // After is at most this,
		slack   time.Duration // and at least this much less
	}{
		{"requests", Limits{RequestsPerMinute: 1}, job.WaitRequestRate,
			`1 of 1 requests of project "icons" in this minute`, 61250 * time.Millisecond, 10 * time.Second},
		{"submits", Limits{RequestsPerMinute: 10, ReadReserve: 9}, job.WaitRequestRate,
			`1 of 1 requests of project "icons" in this minute`, 61250 * time.Millisecond, 10 * time.Second},
		{"slots", Limits{Parallel: 1}, job.WaitParallel, "1 of 1 running", pollAfter, 0},
		{"key CU reserved", Limits{KeyCU: cu(19)}, job.WaitKeyCU,
			`cap of key "night" 19 CU: 10 spent or reserved, this job needs 10`, pollAfter, 0},
		{"batch before key", Limits{KeyCU: cu(10), BatchCU: cu(19)}, job.WaitBatchCU,
			"batch budget 19 CU: 10 spent or reserved, this job needs 10", pollAfter, 0},
		{"batch CU reserved", Limits{BatchCU: cu(19), KeyCU: cu(19), Parallel: 1}, job.WaitBatchCU,
			"batch budget 19 CU: 10 spent or reserved, this job needs 10", pollAfter, 0},
		{"the longest", Limits{BatchCU: cu(19), Parallel: 1, RequestsPerMinute: 1}, job.WaitRequestRate,
			`1 of 1 requests of project "icons" in this minute`, 61250 * time.Millisecond, 10 * time.Second},
	}
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				a := New(Options{Redis: client, Prefix: t.Name()})
				mustReserve(t, a, claim("first", 10, c.limits))
				before := usage(t, a, c.limits)
				_, err := a.Reserve(t.Context(), claim("second", 10, c.limits))
				postponed := mustWait(t, err, c.reason)
				if postponed.Detail != c.detail {
					t.Errorf("got detail %q, want %q", postponed.Detail, c.detail)
				}
				within(t, postponed.After, c.longest, c.slack)
				if diff := cmp.Diff(before, usage(t, a, c.limits)); diff != "" {
					t.Errorf("a refused claim took something (-before +after):\n%s", diff)
				}
			})
		}
	})
}

// A cap that can never fit the job outlasts every other reason.
func TestNeverFits(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		a, limits := New(Options{Redis: client}), Limits{BatchCU: cu(500), RequestsPerMinute: 1}
		spent := claim("first", 0, limits)
		spent.Amount = 496250
		mustReserve(t, a, spent)
		mustDo(t, a.Settle(t.Context(), nightScope, "first", 1, 496250, 0))
		next := claim("second", 0, limits)
		next.Amount = 10750
		_, err := a.Reserve(t.Context(), next)
		postponed := mustWait(t, err, job.WaitBatchCU)
		if want := "batch budget 500 CU: 496.25 spent or reserved, this job needs 10.75"; postponed.Detail != want {
			t.Errorf("got detail %q, want %q", postponed.Detail, want)
		}
		if postponed.After < stuckAfter {
			t.Errorf("asks again after %s, before the request rate or anything else allows it", postponed.After)
		}
	})
}

func TestReadsUseTheWholeRate(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		a, limits := New(Options{Redis: client}), Limits{RequestsPerMinute: 4, ReadReserve: 2}
		mustReserve(t, a, claim("a", 1, limits))
		mustReserve(t, a, claim("b", 1, limits))
		_, err := a.Reserve(t.Context(), claim("c", 1, limits))
		mustWait(t, err, job.WaitRequestRate)
		mustDo(t, a.Request(t.Context(), nightScope, limits))
		mustDo(t, a.Request(t.Context(), nightScope, limits))
		mustWait(t, a.Request(t.Context(), nightScope, limits), job.WaitRequestRate)
	})
}

// Reads of the whole rate leave no place for a submit either.
func TestReadsCountForSubmits(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		a, limits := New(Options{Redis: client}), Limits{RequestsPerMinute: 2, ReadReserve: 1}
		mustDo(t, a.Request(t.Context(), nightScope, limits))
		mustDo(t, a.Request(t.Context(), nightScope, limits))
		_, err := a.Reserve(t.Context(), claim("a", 1, limits))
		mustWait(t, err, job.WaitRequestRate)
	})
}

func TestLearnCeiling(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		a, limits := New(Options{Redis: client}), Limits{Parallel: 4}
		learn := func(said, want int) {
			t.Helper()
			mustDo(t, a.LearnCeiling(t.Context(), nightScope, said))
			if got := usage(t, a, limits).Ceiling; got != want {
				t.Errorf("told %d: got ceiling %d, want %d", said, got, want)
			}
		}
		for _, id := range []job.ID{"a", "b", "c"} {
			mustReserve(t, a, claim(id, 1, limits))
		}
		learn(0, 3)
		_, err := a.Reserve(t.Context(), claim("d", 1, limits))
		mustWait(t, err, job.WaitParallel)
		learn(0, 2) // refused at 3 too
		learn(0, 1)
		learn(0, 1) // never less
		learn(9, 4) // the configured one is lower
		learn(2, 2)
		if got := usage(t, a, Limits{}).Ceiling; got != 2 {
			t.Errorf("without a configured ceiling: got %d, want the learned 2", got)
		}
	})
}

// Running jobs are counted by team, requests by project: another key of both
// shares them, a key of others does not.
func TestCountedIn(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		a, limits := New(Options{Redis: client}), Limits{RequestsPerMinute: 9, Parallel: 1, KeyCU: cu(10)}
		mustReserve(t, a, claim("a", 10, limits))
		other := claim("b", 10, limits)
		other.Scope.APIKey = "day"
		_, err := a.Reserve(t.Context(), other)
		mustWait(t, err, job.WaitParallel)
		other.Scope.Team = "engine"
		mustReserve(t, a, other)
		if left := usage(t, a, limits).RequestsLeft; left != 7 {
			t.Errorf("got %d requests left in the shared project, want 7", left)
		}
	})
}

func TestLimitsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		limits Limits
		want   string
	}{
		{"reserve takes all", Limits{RequestsPerMinute: 10, ReadReserve: 10}, "a read reserve of 10 leaves none of 10 requests a minute for submits"},
		{"negative", Limits{Parallel: -1}, "limits must not be negative"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := New(Options{Redis: emulator(t)}).Reserve(t.Context(), claim("a", 1, c.limits))
			if err == nil || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("got %v, want it to end in %q", err, c.want)
			}
		})
	}
}
