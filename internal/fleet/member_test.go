package fleet

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/redistest"
)

func join(t *testing.T, client redis.UniversalClient, name string) *Member {
	t.Helper()
	m, err := New(client, "test").Join(t.Context(), name, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Leave(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return m
}

// standStill stops the heartbeat, as SIGSTOP or SIGKILL do.
func (m *Member) standStill() {
	m.stop()
	m.beating.Wait()
}

func hold(t *testing.T, m *Member, name string) *Lease {
	t.Helper()
	lease, err := m.Hold(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

func isDead(t *testing.T, m *Member, owner string) bool {
	t.Helper()
	dead, err := m.Dead(t.Context(), []string{owner})
	if err != nil {
		t.Fatal(err)
	}
	return len(dead) == 1
}

func TestALeaseHasOneHolder(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		a, b := join(t, client, "a"), join(t, client, "b")
		first := hold(t, a, "tend")
		if first == nil || hold(t, a, "tend") == nil {
			t.Fatal("a free lease is not held")
		}
		if hold(t, b, "tend") != nil {
			t.Fatal("two hold one lease")
		}
		if err := b.Drop(t.Context(), "tend"); err != nil || hold(t, b, "tend") != nil {
			t.Fatalf("the lease of another was dropped: %v", err)
		}
		if err := first.Sure(t.Context()); err != nil {
			t.Fatalf("the holder is not sure: %v", err)
		}
		if err := first.Drop(t.Context()); err != nil || hold(t, b, "tend") == nil {
			t.Fatalf("a dropped lease is not free: %v", err)
		}
		if err := first.Sure(t.Context()); !errors.Is(err, ErrDeclaredDead) {
			t.Fatalf("sure of a lease that is another's: %v", err)
		}
	})
}

// TestALeaveIsHeardAtOnce has a process that ends in order while it holds a lease.
func TestALeaveIsHeardAtOnce(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		a, b := join(t, client, "a"), join(t, client, "b")
		hold(t, a, "tend")
		if err := a.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !isDead(t, b, a.Owner()) || hold(t, b, "tend") == nil {
			t.Error("what a process held that has left is not free")
		}
	})
}

// TestWhoStoodStillIsFenced lets a process stand still while another waits for what it
// holds. When it goes on it has another name and none of its leases.
func TestWhoStoodStillIsFenced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := redistest.Emulator(t)
		a, b := join(t, client, "a"), join(t, client, "b")
		lease := hold(t, a, "tend")
		ctx, cancel := lease.While(t.Context())
		defer cancel()
		time.Sleep(time.Hour) // virtual
		if ctx.Err() != nil || hold(t, b, "tend") != nil {
			t.Fatal("a lease does not last while its holder lives")
		}
		before := a.Owner()
		a.standStill()
		stood := time.Now()
		for hold(t, b, "tend") == nil {
			time.Sleep(100 * time.Millisecond) // virtual
		}
		if took := time.Since(stood); took > heartbeatKept+missingFor+heartbeatTick || took < heartbeatKept-heartbeatTick {
			t.Errorf("the lease was taken over after %s", took)
		}
		if !errors.Is(context.Cause(ctx), ErrDeclaredDead) {
			t.Errorf("who stood still relies on its lease: %v", context.Cause(ctx))
		}
		if err := lease.Sure(t.Context()); !errors.Is(err, ErrDeclaredDead) {
			t.Errorf("who stood still is sure of its lease: %v", err)
		}
		if hold(t, a, "other") != nil {
			t.Error("a process that is declared dead takes a lease")
		}
		if err := a.beat(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a.Owner() == before || !isDead(t, b, before) || isDead(t, b, a.Owner()) {
			t.Errorf("%s goes on as %s", before, a.Owner())
		}
		if hold(t, a, "other") == nil {
			t.Error("a process cannot go on under its new name")
		}
	})
}

// TestAnOutageOfRedisKillsNobody empties Redis of heartbeats, as a long outage does; all
// processes are back within a second.
func TestAnOutageOfRedisKillsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := redistest.Emulator(t)
		a, b := join(t, client, "a"), join(t, client, "b")
		before := a.Owner()
		lease := hold(t, a, "tend")
		ctx, cancel := lease.While(t.Context())
		defer cancel()
		server.SetError("LOADING Redis is loading the dataset in memory")
		time.Sleep(10 * time.Second) // virtual
		if ctx.Err() == nil {
			t.Error("a process relies on a lease although its heartbeat may be missing")
		}
		server.SetError("")
		for range 50 {
			if isDead(t, b, before) || hold(t, b, "tend") != nil {
				t.Fatal("a process is declared dead after an outage")
			}
			time.Sleep(100 * time.Millisecond) // virtual
		}
		if a.Owner() != before || hold(t, a, "tend") == nil {
			t.Error("a process lost its name or its lease in an outage")
		}
	})
}

// TestTheDeadAreNotShown has two workers that tell what they do; one dies.
func TestTheDeadAreNotShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := redistest.Emulator(t)
		f := New(client, "test")
		a, b := join(t, client, "a"), join(t, client, "b")
		for _, m := range []*Member{a, b} {
			if err := f.WriteHeartbeat(t.Context(), Heartbeat{Worker: m.name, Owner: m.Owner()}); err != nil {
				t.Fatal(err)
			}
		}
		a.standStill()
		time.Sleep(heartbeatKept + time.Millisecond) // virtual
		beats, err := f.Workers(t.Context())
		if err != nil || len(beats) != 1 || beats[0].Worker != "b" {
			t.Errorf("shown are %v, %v", beats, err)
		}
	})
}

// A lease whose holder was just killed is not said to be held, though nobody else has it yet.
func TestHeldByWhoseHeartBeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := redistest.Emulator(t)
		f := New(client, "test")
		held := func() bool {
			t.Helper()
			is, err := f.Held(t.Context(), "tend")
			if err != nil {
				t.Fatal(err)
			}
			return is
		}
		if held() {
			t.Error("a lease that nobody took is held")
		}
		a, b := join(t, client, "a"), join(t, client, "b")
		hold(t, a, "tend")
		for range 20 {
			time.Sleep(700 * time.Millisecond) // virtual
			if !held() {
				t.Fatal("a lease is not held while its holder lives")
			}
		}
		a.standStill()
		time.Sleep(freshBeat + heartbeatTick) // virtual
		if held() {
			t.Error("a lease is held by one whose heart stands still")
		}
		for hold(t, b, "tend") == nil {
			time.Sleep(100 * time.Millisecond) // virtual
		}
		if !held() {
			t.Error("a lease that was taken over is not held")
		}
	})
}
