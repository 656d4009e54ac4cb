package admission

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

func TestGrantLife(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		a, limits := New(Options{Redis: client}), Limits{RequestsPerMinute: 100, KeyCU: cu(100), BatchCU: cu(50)}
		got := mustReserve(t, a, claim("a", 10, limits))
		if want := (Grant{Scope: nightScope, Amount: 10 * job.OneCU}); got != want {
			t.Errorf("got grant %+v, want %+v", got, want)
		}
		mustDo(t, a.Free(t.Context(), nightScope, "a", 1))
		mustDo(t, a.Settle(t.Context(), nightScope, "a", 1, 9500, 500))
		mustReserve(t, a, claim("b", 10, limits))
		want := Usage{
			Key:          Spending{Spent: 9000, Reserved: 10000},
			Batch:        Spending{Spent: 9000, Reserved: 10000},
			Running:      1,
			RequestsLeft: 98,
		}
		if diff := cmp.Diff(want, usage(t, a, limits)); diff != "" {
			t.Errorf("usage (-want +got):\n%s", diff)
		}
	})
}

// An operation repeated at any place in a grant's life changes nothing.
func TestRepeats(t *testing.T) {
	t.Parallel()
	limits := Limits{RequestsPerMinute: 100}
	type step func(context.Context, *Admission) error
	reserve := func(ctx context.Context, a *Admission) error {
		_, err := a.Reserve(ctx, claim("a", 7, limits))
		return err
	}
	adopt := func(ctx context.Context, a *Admission) error { return a.Adopt(ctx, claim("a", 7, limits)) }
	free := func(ctx context.Context, a *Admission) error { return a.Free(ctx, nightScope, "a", 1) }
	settle := func(ctx context.Context, a *Admission) error { return a.Settle(ctx, nightScope, "a", 1, 6500, 0) }
	release := func(ctx context.Context, a *Admission) error { return a.Release(ctx, nightScope, "a", 1) }
	none, held := Spending{}, Spending{Reserved: 7000}
	spent := Spending{Spent: 6500}
	cases := []struct {
		name    string
		steps   []step
		last    error // of the last step
		want    Spending
		running int
		left    int
	}{
		{"reserve twice", []step{reserve, reserve}, nil, held, 1, 99},
		{"reserve a freed one", []step{reserve, free, reserve}, nil, held, 0, 99},
		{"reserve a settled one", []step{reserve, settle, reserve}, ErrSettled, spent, 0, 99},
		{"reserve a released one", []step{reserve, release, reserve}, nil, held, 1, 98},
		{"adopt a reserved one", []step{reserve, adopt}, nil, held, 1, 99},
		{"adopt twice", []step{adopt, adopt}, nil, held, 1, 100},
		{"adopt a freed one", []step{adopt, free, adopt}, nil, held, 0, 100},
		{"adopt a settled one", []step{adopt, settle, adopt}, nil, spent, 0, 100},
		{"adopt a released one", []step{reserve, release, adopt}, nil, held, 1, 99},
		{"free twice", []step{reserve, free, free}, nil, held, 0, 99},
		{"free nothing", []step{free}, nil, none, 0, 100},
		{"free a settled one", []step{reserve, settle, free}, nil, spent, 0, 99},
		{"settle twice", []step{reserve, settle, settle}, nil, spent, 0, 99},
		{"settle a freed one", []step{reserve, free, settle}, nil, spent, 0, 99},
		{"settle nothing", []step{settle}, ErrNoGrant, none, 0, 100},
		{"settle a released one", []step{reserve, release, settle}, ErrNoGrant, none, 0, 99},
		{"release twice", []step{reserve, release, release}, nil, none, 0, 99},
		{"release nothing", []step{release}, nil, none, 0, 100},
		{"release a freed one", []step{reserve, free, release}, nil, none, 0, 99},
		{"release a settled one", []step{reserve, settle, release}, nil, spent, 0, 99},
	}
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				a := New(Options{Redis: client, Prefix: t.Name()})
				var err error
				for _, step := range c.steps {
					err = step(t.Context(), a)
				}
				if !errors.Is(err, c.last) {
					t.Errorf("last step: got %v, want %v", err, c.last)
				}
				want := Usage{Key: c.want, Batch: c.want, Running: c.running, RequestsLeft: c.left}
				if diff := cmp.Diff(want, usage(t, a, limits)); diff != "" {
					t.Errorf("usage (-want +got):\n%s", diff)
				}
			})
		}
	})
}
