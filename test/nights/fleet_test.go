package nights

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/admission"
	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/cli"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/longtest"
	"nightshift/internal/simulator"
	"nightshift/internal/worker"
)

// member is one worker of a night's fleet: the program itself.
type member struct {
	cancel context.CancelFunc
	over   chan struct{}
	log    logged
	code   int
}

// member starts a worker.
func (p *place) member() *member {
	p.t.Helper()
	return p.memberWith(p.wire, p.client, nil)
}

// memberWith starts a worker that reaches the API, Redis and the bucket by ways of its own.
func (p *place) memberWith(transport http.RoundTripper, client redis.UniversalClient, way func(bucket.Objects) bucket.Objects) *member {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.t.Context())
	m := &member{cancel: cancel, over: make(chan struct{})}
	p.members++
	environ := append(slices.Clone(p.environ),
		"NIGHTSHIFT_BUCKET=file://"+p.folder, "NIGHTSHIFT_LISTEN=off", "NIGHTSHIFT_WORKER=worker-"+strconv.Itoa(p.members))
	process := app.Process{Args: []string{}, Environ: environ, Stdout: &m.log, Stderr: &m.log, Transport: transport, Redis: client, Bucket: way}
	go func() {
		defer close(m.over)
		m.code = cli.Worker(ctx, process)
	}()
	p.t.Cleanup(func() {
		m.stop()
		if p.t.Failed() {
			p.t.Logf("the worker's log:\n%s", m.log.text())
		}
	})
	return m
}

// stop ends a worker as SIGTERM does.
func (m *member) stop() {
	m.cancel()
	<-m.over
}

// submit hands the batch to the fleet and returns what was said.
func (n *night) submit() string {
	n.t.Helper()
	var out told
	var log logged
	code := cli.Enqueue(n.t.Context(), app.Process{
		Args: []string{"submit", n.file}, Environ: append(slices.Clone(n.environ), "NIGHTSHIFT_BUCKET=file://"+n.folder),
		Stdout: &log, Stderr: &log, Transport: n.wire, Redis: n.client,
	})
	if code != exitDone {
		n.t.Fatalf("submit ended with code %d: %s%s", code, out.last(), log.text())
	}
	return log.text()
}

// over waits until the fleet has nothing to do with the batch any more.
func (n *night) over(limit time.Duration) {
	n.t.Helper()
	n.until("the batch is over", limit, func() bool {
		open, err := batch.OpenBatches(n.t.Context(), n.bucket)
		if err != nil {
			n.t.Fatal(err)
		}
		return !slices.Contains(open, n.manifest.Batch())
	})
}

func TestFleet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(30*time.Second, 30*time.Second), Parallel: 20, Seed: 1, RequestsPerMinute: 300}, etchings(100))
		first, second := n.member(), n.member()
		if said := n.submit(); !strings.Contains(said, "100 jobs") {
			t.Errorf("submit said %q", said)
		}
		n.over(time.Hour)
		n.noneFailed()
		n.paidOnce()
		n.allStored()
		if said := n.submit(); !strings.Contains(said, "nothing to run") {
			t.Errorf("submitting it again said %q", said)
		}
		for _, m := range []*member{first, second} {
			m.stop()
			if m.code != exitDone {
				t.Errorf("worker ended with %d: %s", m.code, m.log.text())
			}
		}
	})
}

// TestFleetWiped empties Redis twice while two workers run a batch, of which replies
// are lost, and one worker is stopped and another started.
func TestFleetWiped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(20*time.Second, 40*time.Second), Parallel: 20, Seed: 3, RequestsPerMinute: 300}, etchings(150))
		if err := n.sim.SetFaults(lostReplies(0.1)...); err != nil {
			t.Fatal(err)
		}
		first := n.member()
		n.member()
		n.submit()
		n.until("the second wave has begun", 5*time.Minute, func() bool { return len(n.sim.Ledger()) > 25 })
		n.redis.FlushAll()
		n.until("the third wave has begun", 30*time.Minute, func() bool { return len(n.sim.Ledger()) > 60 })
		first.stop()
		n.redis.FlushAll()
		n.member()
		n.over(2 * time.Hour)
		n.noneFailed()
		n.paidOnce()
		n.allStored()
		fold, err := n.fold(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held, billed, refunded := fold.Total()
		if want := job.CU(150 * etchingCU); held != 0 || billed-refunded != want {
			t.Errorf("by the logs %s CU are held and spent are %s CU, want nothing and %s", held, billed-refunded, want)
		}
	})
}

// Two batches share a lane, and the later one does not wait for the end of the other.
func TestFleetIsFair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		large := newNight(t, simulator.Options{Latency: simulator.Between(10*time.Second, 10*time.Second), Parallel: 5, Seed: 1, RequestsPerMinute: 100}, renamed("large", etchings(150)))
		large.member()
		large.submit()
		large.until("the large batch is under way", 10*time.Minute, func() bool { return len(large.succeeded()) > 30 })
		began := time.Now()
		small := large.batch(renamed("small", woodcuts(2, 2)))
		small.submit()
		small.over(10 * time.Minute)
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("4 jobs beside 120 others took %s", took)
		}
		small.noneFailed()
		large.over(time.Hour)
		large.allStored()
		small.allStored()
	})
}

// An emptied Redis has no jobs, which must not look like a submission that is over.
func TestFleetOnAnEmptiedRedis(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(5*time.Second, 15*time.Second), Parallel: 10, Seed: 1, RequestsPerMinute: 3000}, etchings(100))
		n.member()
		n.member()
		n.submit()
		for range 12 {
			time.Sleep(4*time.Second + 130*time.Millisecond) // virtual; at another moment between two looks each time
			n.redis.FlushAll()
		}
		n.over(time.Hour)
		n.noneFailed()
		n.paidOnce()
		n.allStored()
	})
}

// Jobs of epochs of Redis that are over do not stay in it: a Redis that restarts every
// day would fill up with them.
func TestFleetLeavesNoJobsOfEarlierLives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(5*time.Second, 15*time.Second), Parallel: 10, Seed: 1, RequestsPerMinute: 3000}, etchings(60))
		n.member()
		n.member()
		n.submit()
		for range 3 {
			time.Sleep(9 * time.Second) // virtual
			n.redis.Del("{ns:admission}:epoch")
		}
		n.over(time.Hour)
		n.noneFailed()
		n.paidOnce()
		n.allStored()
		pools, err := n.redis.SMembers(n.prefix() + ":{fleet}:pools")
		if err != nil || len(pools) != 1 {
			t.Errorf("jobs are kept in the pools %q, %v", pools, err)
		}
		lives := make(map[string]bool)
		for _, key := range n.redis.Keys() {
			if _, lane, found := strings.Cut(key, "{lane"); found {
				tag, _, _ := strings.Cut(lane, "}")
				lives[strings.TrimSuffix(strings.Split(tag, "-")[0], "-collect")] = true
			}
		}
		if len(lives) > 1 {
			t.Errorf("keys of several lives are left: %v", lives)
		}
	})
}

// Nobody goes on asking for the lease of a batch that is over.
func TestFleetForgetsBatchesThatAreOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(time.Second, 2*time.Second), Parallel: 10, Seed: 1, RequestsPerMinute: 3000}, etchings(5))
		n.member()
		n.member()
		n.submit()
		n.over(time.Hour)
		time.Sleep(5 * time.Second) // virtual; they look a last time
		var asked atomic.Int64
		lease := worker.LeaderLease(n.manifest.Batch())
		n.redis.Server().SetPreHook(func(_ *server.Peer, _ string, args ...string) bool {
			if slices.ContainsFunc(args, func(arg string) bool { return strings.Contains(arg, lease) }) {
				asked.Add(1)
			}
			return false
		})
		time.Sleep(time.Minute) // virtual
		if asked.Load() > 0 {
			t.Errorf("the lease was asked for %d times", asked.Load())
		}
		n.write(etchings(8))
		if said := n.submit(); !strings.Contains(said, "3 jobs") {
			t.Errorf("submit of three more said %q", said)
		}
		n.over(time.Hour)
		n.noneFailed()
		n.paidOnce()
	})
}

// What a leader notes that does not know yet that its epoch is over says nothing of
// the epoch that goes on.
func TestFleetIgnoresTheFeedOfAnotherLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(time.Second, 2*time.Second), Parallel: 10, Seed: 1, RequestsPerMinute: 3000}, etchings(5))
		n.submit()
		id := n.manifest.Batch()
		o, err := batch.ReadSubmission(t.Context(), n.bucket, id)
		if err != nil {
			t.Fatal(err)
		}
		stale := fleet.Feed{Epoch: "gone", Order: o.ID, Lane: o.Lane(), All: true}
		if err := fleet.New(n.client, n.prefix()).SetFeed(t.Context(), id, stale); err != nil {
			t.Fatal(err)
		}
		n.member()
		n.over(time.Hour)
		n.noneFailed()
		n.paidOnce()
		n.allStored()
	})
}

// A leader that comes after the last one's end must not begin the order again: jobs
// that have failed would be bought once more.
func TestFleetBeginsNoOrderThatIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := newNight(t, simulator.Options{Latency: simulator.Between(time.Second, 2*time.Second), Parallel: 10, Seed: 1, RequestsPerMinute: 3000}, etchings(4))
		if err := first.sim.SetFaults(simulator.Fault{Kind: simulator.FaultModerationNoRefund, Rate: 1}); err != nil {
			t.Fatal(err)
		}
		var members []*member
		for range 5 {
			time.Sleep(430 * time.Millisecond) // virtual; each looks at other moments
			members = append(members, first.member())
		}
		for i := range longtest.Times(6, 12) {
			time.Sleep(170 * time.Millisecond) // virtual
			n := first.batch(renamed("night-"+strconv.Itoa(i), etchings(4)))
			n.submit()
			n.over(time.Hour)
			time.Sleep(time.Minute) // virtual
			if accepted := len(n.sim.Ledger()); accepted != 4*(i+1) {
				t.Fatalf("%d were accepted after %d batches of 4", accepted, i+1)
			}
			begun := 0
			for _, m := range members {
				begun += strings.Count(m.log.text(), "submission starts")
			}
			if begun != i+1 {
				t.Fatalf("%d orders were begun of %d", begun, i+1)
			}
		}
	})
}

// What was spent in all submissions is written for people, also where images of an earlier
// one were replaced.
func TestFleetWritesWhatWasSpent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(time.Second, 2*time.Second), Parallel: 10, Seed: 1, RequestsPerMinute: 3000}, etchings(5))
		n.member()
		n.submit()
		n.over(time.Hour)
		n.write(strings.Replace(etchings(5), "potion number", "elixir number", 1))
		n.submit()
		n.over(time.Hour)
		if all := len(n.sim.Ledger()); all != 10 {
			t.Errorf("%d were paid, want 10", all)
		}
		n.allStored()
		n.spendWritten(10 * etchingCU)
	})
}

// A run beside the fleet may be the one that begins a new epoch. It knows nothing of
// the fleet's jobs, so who tends a batch deletes those of before and takes up the rest.
func TestFleetGoesOnInTheLifeThatARunBegan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(5*time.Second, 15*time.Second), Parallel: 10, Seed: 1, RequestsPerMinute: 3000}, etchings(40))
		n.member()
		n.member()
		n.submit()
		time.Sleep(9 * time.Second) // virtual
		run := admission.New(admission.Options{Redis: n.client, Prefix: n.prefix()})
		err := run.Begin(t.Context())
		if err == nil {
			err = batch.CountSpend(t.Context(), run, n.bucket, nil)
		}
		if err == nil {
			err = run.Ready(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		n.over(time.Hour)
		n.noneFailed()
		n.paidOnce()
		n.allStored()
		if pools, err := n.redis.SMembers(n.prefix() + ":{fleet}:pools"); err != nil || len(pools) != 1 {
			t.Errorf("jobs are kept in the pools %q, %v", pools, err)
		}
	})
}

// The next attempt of a job asks for the same as the one that failed. When its reply
// is lost, and Redis with it, the failed one must not look like a stranger's.
func TestFleetKnowsFailedAttemptsAfterALoss(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(5*time.Second, 5*time.Second), Parallel: 10, Seed: 1, RequestsPerMinute: 3000}, etchings(1))
		set := func(faults ...simulator.Fault) {
			t.Helper()
			if err := n.sim.SetFaults(faults...); err != nil {
				t.Fatal(err)
			}
		}
		set(simulator.Fault{Kind: simulator.FaultFailGeneration, Next: 1})
		n.member()
		n.submit()
		n.until("the first attempt is accepted", time.Minute, func() bool { return len(n.sim.Ledger()) == 1 })
		set(simulator.Fault{Kind: simulator.FaultDropAfterAccept, Next: 1}, simulator.Fault{Kind: simulator.FaultListLag, Next: 1, Seconds: 15})
		n.until("the second attempt is accepted", time.Minute, func() bool { return len(n.sim.Ledger()) == 2 })
		n.redis.FlushAll()
		n.over(10 * time.Minute)
		n.noneFailed()
		n.paidOnce()
		n.allStored()
	})
}

// An urgent batch goes before an overnight one that two workers are busy with, and lets
// it have a turn now and then.
func TestFleetUrgentGoesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		nightly := newNight(t, simulator.Options{Latency: simulator.Between(2*time.Second, 4*time.Second), Parallel: 8, Seed: 1, RequestsPerMinute: 3000},
			renamed("nightly", etchings(200, "priority: overnight")))
		nightly.member()
		nightly.member()
		nightly.submit()
		nightly.until("the overnight batch is under way", time.Hour, func() bool { return len(nightly.succeeded()) > 20 })
		rush := nightly.batch(renamed("rush", strings.Replace(etchings(40, "priority: urgent"), "potion", "shield", 1)))
		rush.submit()
		began, before := time.Now(), len(nightly.sim.Ledger())
		rush.over(10 * time.Minute)
		took, others := time.Since(began), len(nightly.sim.Ledger())-before-40
		// 40 jobs of 3 s each, 8 at a time, take 15 s at best.
		if took > 50*time.Second || others > 60 {
			t.Errorf("40 urgent jobs took %s, and %d others were sent meanwhile", took, others)
		}
		nightly.over(time.Hour)
		nightly.allStored()
		rush.allStored()
	})
}

// spendWritten judges spend.jsonl.
func (n *night) spendWritten(want job.CU) {
	n.t.Helper()
	body, err := n.bucket.Open(n.t.Context(), n.manifest.Batch()+"/spend.jsonl")
	if err != nil {
		n.t.Fatal(err)
	}
	defer body.Close()
	spent := job.CU(0)
	for decoder := json.NewDecoder(body); ; {
		var slice job.Slice
		err := decoder.Decode(&slice)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			n.t.Fatal(err)
		}
		spent += slice.CU
	}
	if spent != want {
		n.t.Errorf("spend.jsonl says that %s CU are spent, want %s", spent, want)
	}
}
