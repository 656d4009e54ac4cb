package nights

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/batch"
	"nightshift/internal/fleet"
	"nightshift/internal/redisclient"
	"nightshift/internal/redistest"
	"nightshift/internal/simulator"
)

// stopper lets no command of a process through to Redis while it is shut, as SIGSTOP
// does.
type stopper struct {
	mu    sync.Mutex
	shut  chan struct{}
	onAdd bool // shut it when a record is about to be added
}

func (s *stopper) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = make(chan struct{})
}

func (s *stopper) goOn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.shut)
	s.shut = nil
}

// stopAtAdd stops the process when it is about to add the record of a job.
func (s *stopper) stopAtAdd() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onAdd = true
}

func (s *stopper) stopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shut != nil
}

func (s *stopper) pass(cmd redis.Cmder) {
	s.mu.Lock()
	if s.onAdd && addsRecord(cmd) {
		s.onAdd, s.shut = false, make(chan struct{})
	}
	shut := s.shut
	s.mu.Unlock()
	if shut == nil {
		return
	}
	<-shut
	if !addsRecord(cmd) {
		time.Sleep(5 * time.Millisecond) // virtual; what stood still first goes on first
	}
}

func addsRecord(cmd redis.Cmder) bool {
	return slices.ContainsFunc(cmd.Args(), func(arg any) bool {
		text, ok := arg.([]byte)
		return ok && bytes.Contains(text, []byte(`"outputs"`))
	})
}

func (s *stopper) DialHook(next redis.DialHook) redis.DialHook { return next }

func (s *stopper) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		s.pass(cmd)
		return next(ctx, cmd)
	}
}

func (s *stopper) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		s.pass(cmds[0])
		return next(ctx, cmds)
	}
}

// stoppable starts a worker that can be made to stand still.
func (p *place) stoppable() *stopper {
	p.t.Helper()
	s := new(stopper)
	client := redis.NewClient(&redis.Options{
		Addr: "127.0.0.1:0", Protocol: 2, DisableIdentity: true, PoolSize: redistest.MostConns, // never dialled
		Dialer: func(context.Context, string, string) (net.Conn, error) { return redisclient.Dial(p.redis) },
	})
	p.t.Cleanup(func() { _ = client.Close() }) // after the worker
	client.AddHook(s)
	ours := p.client
	p.client = client
	p.member()
	p.client = ours
	return s
}

// A leader stands still just before it adds a row. Meanwhile the batch is edited, and
// another worker begins the new submission. What the first adds when it goes on is not of
// that submission, and must not be bought.
func TestStewardThatStoodStillAddsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(5*time.Second, 5*time.Second), Parallel: 8, Seed: 1, RequestsPerMinute: 3000}, etchings(400))
		leader := n.stoppable()
		n.submit()
		n.until("the order is under way", time.Hour, func() bool { return len(n.sim.Ledger()) > 20 })
		leader.stopAtAdd()
		n.until("the leader stands still", time.Hour, leader.stopped)
		n.member()
		n.write(strings.Replace(etchings(100), "potion number", "flask number", 1))
		n.submit()
		n.until("the second order has begun", time.Hour, func() bool {
			return len(n.sim.Ledger()) > 0 && strings.Contains(fmt.Sprint(n.sim.Ledger()[len(n.sim.Ledger())-1].Input["prompt"]), "flask")
		})
		before := len(n.sim.Ledger())
		leader.goOn()
		n.over(3 * time.Hour)
		for _, entry := range n.sim.Ledger()[before:] {
			if strings.Contains(fmt.Sprint(entry.Input["prompt"]), "potion") {
				t.Errorf("a row that is gone was bought: seed %v", entry.Input["seed"])
			}
		}
		if c := n.report().Counts; c.NotRun > 0 || c.Failed > 0 {
			t.Errorf("rows of the new order were left out: %+v", c)
		}
		time.Sleep(time.Minute) // virtual
		n.noSlotTaken()
	})
}

// A worker stands still while a submission is cancelled, and goes on after its end. What it
// is granted then for jobs that were withdrawn is given back.
func TestWorkerThatStoodStillKeepsNoSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(20*time.Second, 20*time.Second), Parallel: 3, Seed: 1, RequestsPerMinute: 3000}, etchings(100))
		n.member()
		other := n.stoppable()
		n.submit()
		time.Sleep(50 * time.Second) // virtual
		other.stop()
		time.Sleep(20 * time.Second) // virtual
		n.done("cancel", n.manifest.Batch())
		n.over(time.Hour)
		time.Sleep(10 * time.Second) // virtual
		other.goOn()
		time.Sleep(2 * time.Minute) // virtual
		n.noSlotTaken()
	})
}

// A leader that does not know that its epoch is over says how far it has fed. That is
// nothing to the epoch that goes on: the submission does not begin a second time.
func TestFeedOfAnotherLifeIsNoNews(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(2*time.Second, 2*time.Second), Parallel: 2, Seed: 1, RequestsPerMinute: 3000}, etchings(40))
		if err := n.sim.SetFaults(simulator.Fault{Kind: simulator.FaultModerationNoRefund, Rate: 1}); err != nil {
			t.Fatal(err)
		}
		first := n.member()
		n.submit()
		n.until("half is bought", time.Hour, func() bool { return len(n.sim.Ledger()) > 20 })
		id := n.manifest.Batch()
		o, err := batch.ReadSubmission(t.Context(), n.bucket, id)
		if err != nil {
			t.Fatal(err)
		}
		f := fleet.New(n.client, n.prefix())
		if err := f.SetFeed(t.Context(), id, fleet.Feed{Epoch: "gone", Order: o.ID, Lane: o.Lane(), Fed: 3}); err != nil {
			t.Fatal(err)
		}
		first.stop()
		n.member()
		n.over(time.Hour)
		if bought := len(n.sim.Ledger()); bought != 40 {
			t.Errorf("%d were bought of 40", bought)
		}
	})
}

// A submission that begins a second time, because nobody knows how far it was fed, takes
// what has failed in it for its own: that is not bought again.
func TestOrderBeginsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(2*time.Second, 2*time.Second), Parallel: 2, Seed: 1, RequestsPerMinute: 3000}, etchings(40))
		if err := n.sim.SetFaults(simulator.Fault{Kind: simulator.FaultModerationNoRefund, Rate: 1}); err != nil {
			t.Fatal(err)
		}
		first := n.member()
		n.submit()
		n.until("half is bought", time.Hour, func() bool { return len(n.sim.Ledger()) > 20 })
		first.stop()
		for _, key := range n.redis.Keys() {
			if strings.Contains(key, "{fleet}:feeds") {
				n.redis.Del(key)
			}
		}
		n.member()
		n.over(time.Hour)
		if bought := len(n.sim.Ledger()); bought != 40 {
			t.Errorf("%d were bought of 40", bought)
		}
	})
}

// A paused submission that is to fail at a full cap does not end because another batch of
// its lane has reached its own.
func TestAnothersBudgetEndsNoOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(5*time.Second, 5*time.Second), Parallel: 10, Seed: 1, RequestsPerMinute: 3000},
			renamed("innocent", etchings(5, "on_budget: fail\nbudget: {cu: 100}")))
		n.submit()
		n.done("pause", n.manifest.Batch())
		other := n.batch(renamed("other", etchings(20, "budget: {cu: 46}")))
		other.submit()
		o, err := batch.ReadSubmission(t.Context(), n.bucket, other.manifest.Batch())
		if err != nil {
			t.Fatal(err)
		}
		small := *o.Rules.Budget / 4 // as if its bills had been above their quotes
		o.Rules.Budget = &small
		if err := batch.WriteSubmission(t.Context(), n.bucket, o); err != nil {
			t.Fatal(err)
		}
		n.member()
		time.Sleep(3 * time.Minute) // virtual
		innocent, err := batch.ReadSubmission(t.Context(), n.bucket, n.manifest.Batch())
		if err != nil {
			t.Fatal(err)
		}
		c, err := batch.ReadControl(t.Context(), n.bucket, innocent)
		if err != nil || c.State != batch.ControlPause {
			t.Errorf("the paused order became %q: %s, %v", c.State, c.Why, err)
		}
		n.done("cancel", other.manifest.Batch())
		n.done("resume", n.manifest.Batch())
		n.over(time.Hour)
		n.allStored()
		if got := strconv.Itoa(n.report().Counts.Succeeded); got != "5" {
			t.Errorf("%s jobs succeeded of 5", got)
		}
	})
}
