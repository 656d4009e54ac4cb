package admission

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

// calls are all that rely on what was counted.
var calls = map[string]func(context.Context, *Admission) error{
	"reserve": func(ctx context.Context, a *Admission) error {
		_, err := a.Reserve(ctx, claim("a", 1, free))
		return err
	},
	"adopt": func(ctx context.Context, a *Admission) error {
		return a.Adopt(ctx, ref("a"), 1, night, 1000, time.Time{})
	},
	"free":    func(ctx context.Context, a *Admission) error { return a.Free(ctx, Attempt{ref("a"), 1, night}) },
	"settle":  func(ctx context.Context, a *Admission) error { return a.Settle(ctx, ref("a"), 1, night, 1000, 0) },
	"release": func(ctx context.Context, a *Admission) error { return a.Release(ctx, ref("a"), 1, night) },
	"seed":    func(ctx context.Context, a *Admission) error { return a.Seed(ctx, night, "potions", time.Now(), 1000) },
	"ready":   func(ctx context.Context, a *Admission) error { return a.Ready(ctx) },
}

// isLost checks that every call is refused and nothing is counted by it.
func isLost(t *testing.T, a *Admission) {
	t.Helper()
	for name, call := range calls {
		if err := call(t.Context(), a); !errors.Is(err, ErrLost) {
			t.Errorf("%s: got %v, want %v", name, err, ErrLost)
		}
	}
	if alive, err := a.Alive(t.Context()); alive || err != nil {
		t.Errorf("alive: got %t, %v", alive, err)
	}
}

func joins(t *testing.T, a *Admission, want bool) {
	t.Helper()
	if joined, err := a.Join(t.Context()); joined != want || err != nil {
		t.Errorf("join: got %t, %v, want %t", joined, err, want)
	}
}

// Nothing is granted before an epoch is open; then others join it.
func TestBeginAndJoin(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		first, second := New(Options{Redis: s.client, Prefix: t.Name()}), New(Options{Redis: s.client, Prefix: t.Name()})
		joins(t, first, false)
		isLost(t, first)
		mustDo(t, first.Begin(t.Context()))
		joins(t, second, false)
		isLost(t, second)

		mustDo(t, first.Seed(t.Context(), night, "potions", s.clock.time(), 4000))
		mustDo(t, first.Adopt(t.Context(), ref("a"), 1, night, 3000, time.Time{}))
		if _, err := first.Reserve(t.Context(), claim("b", 1, free)); !errors.Is(err, ErrLost) {
			t.Errorf("reserve before the epoch is open: got %v, want %v", err, ErrLost)
		}
		mustDo(t, first.Ready(t.Context()))
		mustReserve(t, first, claim("b", 1, free))

		isLost(t, second)
		joins(t, second, true)
		if second.Epoch() == "" || second.Epoch() != first.Epoch() {
			t.Errorf("got the lives %q and %q, want one", first.Epoch(), second.Epoch())
		}
		mustReserve(t, second, claim("c", 1, free))
		if u := usage(t, second, free); u.Team.Running != 3 || u.Batch.Spent != 4000 || u.Batch.Reserved != 5000 {
			t.Errorf("got %+v, want what was seeded, adopted and reserved by both", u)
		}
	})
}

// A new epoch has nothing of the old one but what the provider told, and ends the
// old one for all others.
func TestBeginEndsTheOldEpoch(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		first := s.admission(t)
		second := New(Options{Redis: s.client, Prefix: t.Name()})
		joins(t, second, true)
		for i := range 700 { // more than are looked at and deleted at once
			mustReserve(t, first, claim(job.ID("old"+strconv.Itoa(i)), 1, free))
		}
		mustSettle(t, first, "old7", night, 1)
		mustDo(t, first.LearnCeiling(t.Context(), night, 800))
		old := second.Epoch()
		mustDo(t, second.Begin(t.Context()))
		isLost(t, first)
		joins(t, first, false)
		if u := usage(t, second, free); u.Team.Running != 0 || u.Batch.Reserved != 0 || u.Key.Spent != 0 || u.Team.Ceiling != 800 {
			t.Errorf("got %+v, want nothing but the ceiling", u)
		}
		if grants, err := second.Live(t.Context(), "potions"); err != nil || len(grants) != 0 {
			t.Errorf("got %d live grants, %v, want none", len(grants), err)
		}
		mustDo(t, second.Ready(t.Context()))
		joins(t, first, true)
		if first.Epoch() == old {
			t.Error("the new epoch has the old one's name")
		}
		mustReserve(t, first, claim("old7", 1, free))
	})
}

// Of two processes that begin an epoch at the same time one gets it, and the other
// takes nothing of what that one restored.
func TestTwoBegin(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		early, late := s.admission(t), New(Options{Redis: s.client, Prefix: t.Name()})
		for i := range 20 {
			mustReserve(t, early, claim(job.ID(strconv.Itoa(i)), 1, free))
		}
		s.client.AddHook(once{before: "scan", do: func(ctx context.Context) error {
			return errors.Join(late.Begin(ctx), late.Seed(ctx, night, "potions", s.clock.time(), 4000),
				late.Adopt(ctx, ref("a"), 1, night, 3000, time.Time{}), late.Ready(ctx))
		}, left: new(1)})
		if err := early.Begin(t.Context()); !errors.Is(err, ErrLost) {
			t.Errorf("got %v, want %v for the one that was overtaken", err, ErrLost)
		}
		isLost(t, early)
		if u := usage(t, late, free); u.Team.Running != 1 || u.Batch.Reserved != 3000 || u.Batch.Spent != 4000 {
			t.Errorf("got %+v, want all that the other restored", u)
		}
		mustReserve(t, late, claim("b", 1, free))
	})
}

// once does something before the first command of a name.
type once struct {
	*handClock
	before string
	do     func(context.Context) error
	left   *int
}

func (o once) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == o.before && *o.left > 0 {
			*o.left--
			if err := o.do(ctx); err != nil {
				return err
			}
		}
		return next(ctx, cmd)
	}
}

// A Redis that was flushed has lost everything.
func TestFlushed(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		a := opened(t, client)
		mustReserve(t, a, claim("a", 1, free))
		if alive, err := a.Alive(t.Context()); !alive || err != nil {
			t.Errorf("alive: got %t, %v", alive, err)
		}
		mustDo(t, client.FlushAll(t.Context()).Err())
		isLost(t, a)
		joins(t, a, false)
		if _, err := a.Reserve(t.Context(), claim("b", 1, free)); !errors.Is(err, ErrLost) {
			t.Errorf("got %v, want %v", err, ErrLost)
		}
		mustDo(t, a.Begin(t.Context()))
		mustDo(t, a.Ready(t.Context()))
		mustReserve(t, a, claim("a", 1, free))
	})
}

// A Redis that came back with its data may have lost the last of it.
func TestRestarted(t *testing.T) {
	t.Parallel()
	redis := redistest.StartKept(t)
	a := opened(t, redis.Client(t))
	mustReserve(t, a, claim("a", 1, free))
	redis.Restart(t)
	isLost(t, a)
	fresh := New(Options{Redis: redis.Client(t), Prefix: t.Name()})
	joins(t, fresh, false)
	mustDo(t, fresh.Begin(t.Context()))
	mustDo(t, fresh.Ready(t.Context()))
	joins(t, a, true)
	mustReserve(t, a, claim("a", 1, free))
}
