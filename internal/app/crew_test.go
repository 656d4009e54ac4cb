package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/admission"
	"nightshift/internal/batch"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/plan"
	"nightshift/internal/provider"
	"nightshift/internal/provider/scenario"
	"nightshift/internal/redistest"
	"nightshift/internal/results"
	"nightshift/internal/runner"
	"nightshift/internal/simulator"
)

// crew are the processes of a night that work on one pool of jobs together. The
// program has no more than one yet, so the parts are put together here.
type crew struct {
	*night
	// limbo is where killed processes go on: an empty Redis that nobody looks at.
	// Without any they would dial without end, which virtual time does not survive.
	limbo   *miniredis.Miniredis
	workers []*hand
}

// hand is one process of the crew. Once it is dead, whatever it does reaches
// nobody.
type hand struct {
	engine *engine
	member *fleet.Member
	gate   *gate
	dead   atomic.Bool
	conns  func() // closes all connections
	feed   context.CancelFunc
	fed    chan error
}

// newCrew plans the batch.
func newCrew(n *night) *crew {
	n.t.Helper()
	c := &crew{night: n}
	c.limbo, _ = redistest.Emulator(n.t)
	p, err := plan.Make(n.t.Context(), plan.Options{Manifest: n.manifest, Catalog: c.client(n.wire)})
	if err == nil {
		err = writePlan(n.t.Context(), n.bucket, n.manifest.Batch()+"/"+planName, p)
	}
	if err != nil {
		n.t.Fatal(err)
	}
	return c
}

func (c *crew) client(transport http.RoundTripper) *scenario.Client {
	c.t.Helper()
	client, err := scenario.New(scenario.Options{BaseURL: "http://simulator/v1", Key: onlyKey, Secret: onlyKey, Transport: transport})
	if err != nil {
		c.t.Fatal(err)
	}
	return client
}

// start starts a worker that also feeds the plan, as every run does.
func (c *crew) start() *hand {
	c.t.Helper()
	settings, err := config.Load(c.environ)
	if err != nil {
		c.t.Fatal(err)
	}
	w := &hand{fed: make(chan error, 1)}
	client := w.redisClient(c)
	w.gate = c.gate(w, client, settings)
	c.join(w)
	id := c.manifest.Batch()
	logger := slog.New(slog.NewTextHandler(c.t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	if w.member, err = fleet.New(client, c.prefix()).Join(c.t.Context(), "hand", logger); err != nil {
		c.t.Fatal(err)
	}
	w.engine = newEngine(engineParts{
		redis: client, prefix: c.prefix(), pool: id, member: w.member, settings: settings, logger: logger,
		runner: runner.Options{
			APIKeys:   w.gate.keys,
			Admission: w.gate,
			Images:    cutImages{w, images{c.bucket}},
			Results:   func(string) runner.Results { return cutResults{w, c.log} },
			Attempts:  func(string) runner.Attempts { return cutAttempts{w, batch.NewAttempts(c.bucket, id)} },
			Questions: func(string) runner.Questions { return results.NewQuestions(c.bucket, id) },
		},
	})
	if err := w.engine.start(c.t.Context(), settings); err != nil {
		c.t.Fatal(err)
	}
	feeding, stop := context.WithCancel(c.t.Context())
	w.feed = stop
	go func() {
		w.fed <- w.engine.runner.Feed(feeding, id, job.Normal, jobsToRun(feeding, c.bucket, id+"/"+planName), nil)
	}()
	c.workers = append(c.workers, w)
	return w
}

// gate gives a worker one API key, whose requests are cut when it is killed.
func (c *crew) gate(w *hand, client redis.UniversalClient, settings config.Settings) *gate {
	c.t.Helper()
	open := func(config.APIKey) (provider.Account, error) { return c.client(cutTransport{w, c.wire}), nil }
	ring, err := newKeyring(open, &config.Keys{}, []config.APIKey{{ID: environmentKey, URL: "http://simulator/v1"}})
	if err != nil {
		c.t.Fatal(err)
	}
	return &gate{
		admission: admission.New(admission.Options{Redis: client, Prefix: c.prefix()}), keys: ring, requests: settings.RequestsPerMinute,
		rules: func(string) batchRules { return batchRules{name: c.manifest.Name} },
	}
}

// join lets a worker take part in the life of Redis, which the first one begins.
func (c *crew) join(w *hand) {
	c.t.Helper()
	joined, err := w.gate.admission.Join(c.t.Context())
	if err == nil && !joined {
		if err = w.gate.admission.Begin(c.t.Context()); err == nil {
			err = w.gate.admission.Ready(c.t.Context())
		}
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// kill ends a worker at once: nothing it holds is given back.
func (w *hand) kill() {
	w.dead.Store(true)
	w.conns()
}

func (c *crew) stop() {
	for _, w := range c.workers {
		w.feed()
		w.engine.stop()
		leaveFleet(context.WithoutCancel(c.t.Context()), w.member, slog.New(slog.DiscardHandler))
		if err := <-w.fed; err != nil && !errors.Is(err, context.Canceled) && !w.dead.Load() {
			c.t.Errorf("the plan was not fed to its end: %v", err)
		}
	}
}

// TestKilledWorker is a batch of 200 jobs of 30 s each for two workers, with lost
// replies. One of them is killed in the middle of the second wave.
func TestKilledWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(30*time.Second, 30*time.Second), Parallel: 50, Seed: 1, RequestsPerMinute: 300}, etchings(200))
		if err := n.sim.SetFaults(lostReplies(0.1)...); err != nil {
			t.Fatal(err)
		}
		c := newCrew(n)
		defer c.stop()
		first := c.start()
		c.start()
		n.until("the second wave has begun", time.Minute, func() bool { return len(n.sim.Ledger()) > 55 })
		first.kill()
		n.until("every job is over", time.Hour, func() bool { return len(n.succeeded())+len(n.failed()) == 200 })
		n.noneFailed()
		n.paidOnce()
		n.allStored()
	})
}
