package admission

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

// An operation repeated at any place in a grant's epoch changes nothing.
func TestRepeats(t *testing.T) {
	limited := keyed{Account: night, Project: Limits{RequestsPerMinute: 100}}
	type step func(context.Context, *Admission) error
	reserve := func(ctx context.Context, a *Admission) error {
		_, err := a.Reserve(ctx, claim("a", 7, limited))
		return err
	}
	adopt := func(ctx context.Context, a *Admission) error {
		return a.Adopt(ctx, ref("a"), 1, night, 7000, time.Time{})
	}
	free := func(ctx context.Context, a *Admission) error { return a.Free(ctx, Attempt{ref("a"), 1, night}) }
	settle := func(ctx context.Context, a *Admission) error { return a.Settle(ctx, ref("a"), 1, night, 6500, 500) }
	release := func(ctx context.Context, a *Admission) error { return a.Release(ctx, ref("a"), 1, night) }
	const none, held, spent job.CU = 0, 7000, 6000
	cases := []struct {
		name            string
		steps           []step
		last            error // of the last step
		reserved, spent job.CU
		running, left   int
		live            int
	}{
		{"reserve twice", []step{reserve, reserve}, nil, held, none, 1, 99, 1},
		{"reserve a freed one", []step{reserve, free, reserve}, nil, held, none, 0, 99, 1},
		{"reserve a settled one", []step{reserve, settle, reserve}, ErrSettled, none, spent, 0, 99, 0},
		{"reserve a released one", []step{reserve, release, reserve}, nil, held, none, 1, 98, 1},
		{"reserve an adopted one", []step{adopt, reserve}, nil, held, none, 1, 99, 1},
		{"adopt a reserved one", []step{reserve, adopt}, nil, held, none, 1, 99, 1},
		{"adopt twice", []step{adopt, adopt}, nil, held, none, 1, 100, 1},
		{"adopt a freed one", []step{adopt, free, adopt}, nil, held, none, 0, 100, 1},
		{"adopt a settled one", []step{adopt, settle, adopt}, nil, none, spent, 0, 100, 0},
		{"adopt a released one", []step{reserve, release, adopt}, nil, held, none, 1, 99, 1},
		{"free twice", []step{reserve, free, free}, nil, held, none, 0, 99, 1},
		{"free nothing", []step{free}, nil, none, none, 0, 100, 0},
		{"free a settled one", []step{reserve, settle, free}, nil, none, spent, 0, 99, 0},
		{"settle twice", []step{reserve, settle, settle}, nil, none, spent, 0, 99, 0},
		{"settle a freed one", []step{reserve, free, settle}, nil, none, spent, 0, 99, 0},
		{"settle nothing", []step{settle}, ErrNoGrant, none, none, 0, 100, 0},
		{"settle a released one", []step{reserve, release, settle}, ErrNoGrant, none, none, 0, 99, 0},
		{"release twice", []step{reserve, release, release}, nil, none, none, 0, 99, 0},
		{"release nothing", []step{release}, nil, none, none, 0, 100, 0},
		{"release a freed one", []step{reserve, free, release}, nil, none, none, 0, 99, 0},
		{"release a settled one", []step{reserve, settle, release}, nil, none, spent, 0, 99, 0},
	}
	onBoth(t, func(t *testing.T, s server) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				a := s.admission(t)
				var err error
				for _, step := range c.steps {
					err = step(t.Context(), a)
				}
				if !errors.Is(err, c.last) {
					t.Errorf("last step: got %v, want %v", err, c.last)
				}
				u := usage(t, a, limited)
				for _, scope := range []ScopeUsage{u.Key, u.Project, u.Team, u.Batch} {
					if scope.Reserved != c.reserved || scope.Spent != c.spent {
						t.Errorf("got %+v, want %s CU reserved and %s spent", scope, c.reserved, c.spent)
					}
				}
				if u.Key.Running != c.running || u.Team.Running != c.running || u.Project.RequestsLeft != c.left {
					t.Errorf("got %+v, want %d running, %d requests left", u, c.running, c.left)
				}
				grants, err := a.Live(t.Context(), "potions")
				if err != nil || len(grants) != c.live {
					t.Errorf("got live grants %+v (%v), want %d", grants, err, c.live)
				}
			})
		}
	})
}

// An attempt keeps its grant whatever candidates it is asked with, and gives it
// back where it was taken.
func TestGrantStaysWithItsKey(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a, other := s.admission(t), keyed{Account: day}
		if got, want := mustReserve(t, a, claim("a", 10, free)).Grant, (Grant{APIKey: "night", Amount: 10000}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		moved := keyed{Account: Account{APIKey: "night", Project: "levels", Team: "engine"}}
		want := Grant{APIKey: "night", Amount: 10000, Again: true}
		for _, candidates := range [][]keyed{{free}, {other, free}, {moved}} {
			if got := mustReserve(t, a, claim("a", 12, candidates...)).Grant; got != want {
				t.Errorf("asked with %+v: got %+v, want %+v", candidates, got, want)
			}
		}
		_, err := a.Reserve(t.Context(), claim("a", 10, other))
		if elsewhere, ok := errors.AsType[*GrantedElsewhereError](err); !ok || elsewhere.APIKey != "night" {
			t.Errorf("got %v, want to hear of the grant on night", err)
		}
		mustDo(t, a.Free(t.Context(), Attempt{ref("a"), 1, day}))
		if got := usage(t, a, free).Team.Running; got != 0 {
			t.Errorf("got %d running after Free with another key, want 0", got)
		}
		mustSettle(t, a, "a", day, 9)
		if got := usage(t, a, free); got.Key.Spent != 9000 || got.Project.Spent != 9000 || got.Team.Spent != 9000 {
			t.Errorf("got %+v, want 9 CU spent where the grant was", got)
		}
		if got := usage(t, a, other); got.Key.Spent != 0 || got.Team.Reserved != 0 {
			t.Errorf("got %+v, want nothing on the key that was not granted", got)
		}
	})
}

// Slots of several runs come back in one step, wherever each is counted; what holds
// none changes nothing.
func TestFreeSeveral(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a, other := s.admission(t), keyed{Account: day}
		mustReserve(t, a, claim("a", 1, free))
		mustReserve(t, a, claim("b", 1, other))
		mustReserve(t, a, claim("c", 1, free))
		mustReserve(t, a, claim("stays", 1, free))
		mustSettle(t, a, "c", night, 1)
		swords := claim("a", 1, other)
		swords.Ref.Batch = "swords"
		mustReserve(t, a, swords)
		mustDo(t, a.Free(t.Context()))
		for range 2 {
			mustDo(t, a.Free(t.Context(), Attempt{ref("a"), 1, night}, Attempt{ref("b"), 1, night}, Attempt{ref("c"), 1, night},
				Attempt{ref("never"), 1, night}, Attempt{swords.Ref, 1, Account{APIKey: "gone"}}))
		}
		for on, running := range map[keyed]int{free: 1, other: 0} {
			if u := usage(t, a, on); u.Key.Running != running || u.Team.Running != running || u.Key.Reserved != 2000 {
				t.Errorf("%s: got %+v, want %d running and the CU kept", on.Account.APIKey, u, running)
			}
		}
	})
}

// Attempts and batches are apart, and jobs that cost nothing are jobs too.
func TestAttemptsAreApart(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a := s.admission(t)
		second, other := claim("a", 0, free), claim("a", 0, free)
		second.Attempt, other.Ref.Batch = 2, "swords"
		for _, c := range []Claim{claim("a", 0, free), second, other} {
			if mustReserve(t, a, c).Again {
				t.Errorf("attempt %d of %s was taken for another", c.Attempt, c.Ref)
			}
		}
		mustSettle(t, a, "a", night, 0)
		mustDo(t, a.Release(t.Context(), ref("a"), 2, night))
		if got := usage(t, a, free).Key; got.Running != 1 || got.Reserved != 0 || got.Spent != 0 {
			t.Errorf("got %+v, want one running", got)
		}
	})
}

// A late repeat is recognised for an hour at least, whenever in the hour of the clock the
// grant was settled.
func TestSettledIsRememberedForAnHour(t *testing.T) {
	t.Parallel()
	for _, minutes := range []time.Duration{0, 30 * time.Minute, time.Hour - time.Second} {
		synctest.Test(t, func(t *testing.T) {
			a := emulated(t)
			time.Sleep(minutes) // after midnight
			mustSpend(t, a, "early", 1, free)
			time.Sleep(rememberedFor - time.Second)
			mustSpend(t, a, "late", 1, free)
			mustSettle(t, a, "early", night, 1)
			mustDo(t, a.Adopt(t.Context(), ref("early"), 1, night, 1000, time.Time{}))
			if _, err := a.Reserve(t.Context(), claim("early", 1, free)); !errors.Is(err, ErrSettled) {
				t.Errorf("%s: got %v, want %v", minutes, err, ErrSettled)
			}
			if u := usage(t, a, free); u.Batch.Spent != 2*job.OneCU || u.Batch.Reserved != 0 {
				t.Errorf("%s: got %+v, want 2 CU spent", minutes, u.Batch)
			}
		})
	}
}

// What was settled is forgotten after two hours, whether jobs go on or not, and totals
// stay.
func TestSettledIsForgotten(t *testing.T) {
	t.Parallel()
	for _, goesOn := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			_, client := redistest.Emulator(t)
			a := opened(t, client)
			for i := range 50 {
				mustSpend(t, a, job.ID(strconv.Itoa(i)), 1, free)
			}
			time.Sleep(rememberedFor)
			mustSpend(t, a, "hour", 1, free)
			time.Sleep(rememberedFor)
			if goesOn {
				mustSpend(t, a, "next", 1, free)
			}
			err := a.Settle(t.Context(), ref("7"), 1, night, 1000, 0)
			if !errors.Is(err, ErrNoGrant) {
				t.Errorf("goes on %t: a settle two hours late: got %v, want %v", goesOn, err, ErrNoGrant)
			}
			if u := usage(t, a, free); u.Batch.Spent < 51*job.OneCU || u.Batch.Reserved != 0 {
				t.Errorf("goes on %t: got %+v, want all CU spent", goesOn, u.Batch)
			}
			time.Sleep(2 * rememberedFor)
			if got := client.Keys(t.Context(), a.keys.tag+settledKind+"*").Val(); len(got) != 0 {
				t.Errorf("goes on %t: got %q, want nothing remembered", goesOn, got)
			}
		})
	}
}

// However many jobs were settled, Redis has the same keys: each costs the embedded one
// time whenever it ages its keys.
func TestKeysDoNotGrowWithJobs(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a := s.admission(t)
		mustSpend(t, a, "first", 1, free)
		before := s.client.DBSize(t.Context()).Val()
		for i := range 50 {
			mustSpend(t, a, job.ID(strconv.Itoa(i)), 1, free)
			mustReserve(t, a, claim("refused", 1, free))
			mustDo(t, a.Release(t.Context(), ref("refused"), 1, night))
		}
		if got := s.client.DBSize(t.Context()).Val(); got != before {
			t.Errorf("%d keys after 51 jobs, %d after one", got, before)
		}
	})
}

func TestBillsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	a := emulated(t)
	mustReserve(t, a, claim("a", 1, free))
	for _, bill := range [][2]job.CU{{-1, 0}, {5, -1}, {5, 6}} {
		if err := a.Settle(t.Context(), ref("a"), 1, night, bill[0], bill[1]); err == nil {
			t.Errorf("a bill of %s with %s refunded was counted", bill[0], bill[1])
		}
	}
	if err := a.Adopt(t.Context(), ref("b"), 1, night, -1, time.Time{}); err == nil {
		t.Error("a negative amount was adopted")
	}
	if err := a.Seed(t.Context(), night, "potions", time.Now(), -1); err == nil {
		t.Error("a negative amount was seeded")
	}
	if _, err := a.Reserve(t.Context(), claim("b", -1, free)); err == nil {
		t.Error("a negative amount was reserved")
	}
	if u := usage(t, a, free).Key; u.Spent != 0 || u.Reserved != 1000 {
		t.Errorf("got %+v, want only the first reservation", u)
	}
}
