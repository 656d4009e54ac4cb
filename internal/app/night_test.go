package app

import (
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/png"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/admission"
	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/plan"
	"nightshift/internal/redistest"
	"nightshift/internal/results"
	"nightshift/internal/runner"
	"nightshift/internal/scenario"
	"nightshift/internal/simulator"
)

// night is a whole system in a synctest bubble: hours of virtual time pass in
// seconds, and the simulator's ledger is the judge.
type night struct {
	t     *testing.T
	sim   *simulator.Simulator
	redis *miniredis.Miniredis
	// limbo is where killed processes go on: an empty Redis that nobody looks at.
	// Without any they would dial without end, which virtual time does not survive.
	limbo    *miniredis.Miniredis
	bucket   *bucket.Local
	folder   string
	manifest *manifest.Manifest
	plan     *plan.Plan
	log      *results.Log
	workers  []*worker
}

// worker is one process of the night. cut makes it a killed one: whatever it does
// from then on reaches nobody.
type worker struct {
	engine *engine
	gate   *gate
	dead   atomic.Bool
	conns  func() // closes all connections
	feed   context.CancelFunc
	fed    chan error
}

var errDead = errors.New("process was killed")

func newNight(t *testing.T, o simulator.Options, text string) *night {
	t.Helper()
	sim, err := simulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	n := &night{t: t, sim: sim, folder: t.TempDir()}
	n.redis, _ = redistest.Emulator(t)
	n.limbo, _ = redistest.Emulator(t)
	path := filepath.Join(t.TempDir(), "night.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if n.manifest, err = manifest.Open(path); err != nil {
		t.Fatal(err)
	}
	if n.bucket, err = bucket.NewLocal(n.folder); err != nil {
		t.Fatal(err)
	}
	n.log = results.NewLog(n.bucket, n.manifest.Batch())
	if n.plan, err = plan.Make(t.Context(), plan.Options{Manifest: n.manifest, Catalog: n.client(simulator.Transport(sim))}); err != nil {
		t.Fatal(err)
	}
	if err := writePlan(t.Context(), n.bucket, n.manifest.Batch(), n.plan); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *night) client(transport http.RoundTripper) *scenario.Client {
	n.t.Helper()
	client, err := scenario.New(scenario.Options{BaseURL: "http://simulator", Key: "sim", Secret: "sim", Transport: transport})
	if err != nil {
		n.t.Fatal(err)
	}
	return client
}

// settings are those of a process without any set by hand.
func (n *night) settings() config.Settings {
	n.t.Helper()
	settings, err := config.Load(nil)
	if err != nil {
		n.t.Fatal(err)
	}
	return settings
}

// start starts a worker that also feeds the plan, as every run does.
func (n *night) start(settings config.Settings) *worker {
	n.t.Helper()
	w := &worker{fed: make(chan error, 1)}
	client := w.redisClient(n)
	w.gate = n.gate(w, client, settings)
	n.join(w)
	w.engine = newEngine(engineParts{
		redis: client, pool: n.manifest.Batch(), settings: settings, logger: slog.New(slog.NewTextHandler(n.t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
		runner: runner.Options{
			APIKeys:   w.gate.keys,
			Admission: w.gate,
			Images:    cutImages{w, images{n.bucket}},
			Results:   func(string) runner.Results { return cutResults{w, n.log} },
			Sent:      func(string) runner.Sent { return cutSent{w, results.NewSent(n.bucket, n.manifest.Batch())} },
			Questions: func(string) runner.Questions { return results.NewQuestions(n.bucket, n.manifest.Batch()) },
		},
	})
	if err := w.engine.start(n.t.Context(), settings); err != nil {
		n.t.Fatal(err)
	}
	feeding, stop := context.WithCancel(n.t.Context())
	w.feed = stop
	go func() {
		w.fed <- w.engine.runner.Feed(feeding, n.manifest.Batch(), job.Normal, jobsToRun(feeding, n.bucket, n.manifest.Batch()))
	}()
	n.workers = append(n.workers, w)
	return w
}

// gate gives a worker one API key, whose requests are cut when it is killed.
func (n *night) gate(w *worker, client redis.UniversalClient, settings config.Settings) *gate {
	n.t.Helper()
	open := func(config.APIKey) (*scenario.Client, error) {
		return n.client(cutTransport{w, simulator.Transport(n.sim)}), nil
	}
	rules := &config.Keys{Teams: map[string]config.Limits{"": {Parallel: settings.Parallel}}}
	ring, err := newKeyring(open, rules, []config.APIKey{{ID: environmentKey, URL: "http://simulator/v1"}})
	if err != nil {
		n.t.Fatal(err)
	}
	return &gate{
		admission: admission.New(admission.Options{Redis: client, Prefix: redisPrefix}), keys: ring, requests: settings.RequestsPerMinute,
		batches: map[string]batchRules{n.manifest.Batch(): {name: n.manifest.Name, budget: n.manifest.Budget, window: n.manifest.Window}},
	}
}

// join lets a worker take part in the life of Redis, which the first one begins.
func (n *night) join(w *worker) {
	n.t.Helper()
	joined, err := w.gate.admission.Join(n.t.Context())
	if err == nil && !joined {
		if err = w.gate.admission.Begin(n.t.Context()); err == nil {
			err = w.gate.admission.Ready(n.t.Context())
		}
	}
	if err != nil {
		n.t.Fatal(err)
	}
}

// kill ends a worker at once: nothing it holds is given back.
func (w *worker) kill() {
	w.dead.Store(true)
	w.conns()
}

// await runs the night until every job of the plan is over.
func (n *night) await(limit time.Duration) {
	n.t.Helper()
	deadline := time.Now().Add(limit)
	for time.Now().Before(deadline) {
		time.Sleep(time.Second) // virtual
		if n.ended() == n.plan.Jobs {
			return
		}
	}
	n.t.Fatalf("after %s of virtual time %d of %d jobs are over", limit, n.ended(), n.plan.Jobs)
}

func (n *night) ended() int {
	jobs := make(map[job.ID]bool)
	for _, log := range []func(context.Context) func(func(job.Result, error) bool){
		func(ctx context.Context) func(func(job.Result, error) bool) { return n.log.Succeeded(ctx) },
		func(ctx context.Context) func(func(job.Result, error) bool) { return n.log.Failed(ctx) },
	} {
		for result, err := range log(n.t.Context()) {
			if err != nil {
				n.t.Fatal(err)
			}
			jobs[result.Job] = true
		}
	}
	return len(jobs)
}

func (n *night) stop() {
	for _, w := range n.workers {
		w.feed()
		w.engine.stop()
		if err := <-w.fed; err != nil && !errors.Is(err, context.Canceled) && !w.dead.Load() {
			n.t.Errorf("the plan was not fed to its end: %v", err)
		}
	}
}

// paidOnce judges by the ledger: for every job of the plan one inference was paid,
// and no other.
func (n *night) paidOnce() {
	n.t.Helper()
	want := make(map[string]int) // inferences by what was asked for
	for j, err := range jobsToRun(n.t.Context(), n.bucket, n.manifest.Batch()) {
		if err != nil {
			n.t.Fatal(err)
		}
		want[j.Model+string(j.Inputs.Canonical())]++
	}
	paid := make(map[string]int)
	for _, entry := range n.sim.Ledger() {
		if entry.Refund == 0 {
			paid[entry.Model+string(entry.Input.Canonical())]++
		}
	}
	if diff := cmp.Diff(want, paid); diff != "" {
		n.t.Errorf("inferences that were paid (-want +got):\n%s", diff)
	}
}

// allStored judges by the folder: every image is there, whole, and nothing else.
func (n *night) allStored() {
	n.t.Helper()
	images := 0
	err := filepath.WalkDir(filepath.Join(n.folder, n.manifest.Batch()), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if strings.HasSuffix(path, ".part") {
			n.t.Errorf("unfinished file left: %s", path)
		}
		if filepath.Ext(path) != ".png" {
			return nil
		}
		images++
		return decode(path)
	})
	if err != nil {
		n.t.Error(err)
	}
	if images != n.plan.Images {
		n.t.Errorf("%d images are stored, want %d", images, n.plan.Images)
	}
}

func decode(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, _, err := image.Decode(file); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

const nightManifest = `
version: 1
name: night
model: model_bfl-flux-1-dev
prompt: "{thing} number {seed}"
defaults: {parameters: {width: 128, height: 128}}
items: [{id: potion, thing: a potion}, {id: sword, thing: a sword}]
axes: {product: {seed: ["1..100"]}}
output: "{id}/{seed}.{ext}"
`

// TestNight is a batch of 200 jobs of 30 s each, with one lost reply and one
// killed worker, in virtual time.
func TestNight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(30*time.Second, 30*time.Second), Parallel: 50, Seed: 1}, nightManifest)
		defer n.stop()
		if n.plan.Jobs != 200 {
			t.Fatalf("the plan has %d jobs, want 200", n.plan.Jobs)
		}
		if err := n.sim.SetFaults(simulator.Fault{Kind: simulator.FaultDropAfterAccept, Next: 1}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		first := n.start(n.settings())
		n.start(n.settings())
		time.Sleep(50 * time.Second) // virtual; in the middle of the second wave
		first.kill()
		n.await(time.Hour)
		n.paidOnce()
		n.allStored()
		t.Logf("%d jobs took %s of virtual time, %v", n.plan.Jobs, time.Since(began), n.sim.Totals().Requests)
	})
}

// cutTransport is a worker's way to the provider.
type cutTransport struct {
	worker *worker
	next   http.RoundTripper
}

func (c cutTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.worker.dead.Load() {
		return nil, errDead
	}
	return c.next.RoundTrip(r)
}

// cutImages is a worker's way to the bucket.
type cutImages struct {
	worker *worker
	next   runner.Images
}

func (c cutImages) Existing(ctx context.Context, w runner.Wish) (job.Image, bool, error) {
	if c.worker.dead.Load() {
		return job.Image{}, false, errDead
	}
	return c.next.Existing(ctx, w)
}

func (c cutImages) Store(ctx context.Context, w runner.Wish, body io.Reader, length int64) (job.Image, error) {
	if c.worker.dead.Load() {
		return job.Image{}, errDead
	}
	return c.next.Store(ctx, w, body, length)
}

type cutResults struct {
	worker *worker
	next   runner.Results
}

func (c cutResults) Append(ctx context.Context, r job.Result) error {
	if c.worker.dead.Load() {
		return errDead
	}
	return c.next.Append(ctx, r)
}

type cutSent struct {
	worker *worker
	next   runner.Sent
}

func (c cutSent) Note(ctx context.Context, s job.Submission) error {
	if c.worker.dead.Load() {
		return errDead
	}
	return c.next.Note(ctx, s)
}

// redisClient is a worker's way to Redis.
func (w *worker) redisClient(n *night) redis.UniversalClient {
	var open connections
	w.conns = open.closeAll
	client := redis.NewClient(&redis.Options{
		Addr: "127.0.0.1:6379", Protocol: 2, DisableIdentity: true, // never dialled
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			server := n.redis
			if w.dead.Load() {
				server = n.limbo
			}
			conn, err := server.Dial()
			if err == nil {
				open.add(conn)
			}
			return conn, err
		},
	})
	n.t.Cleanup(func() { _ = client.Close() }) // a killed worker's connections are closed already
	return client
}
