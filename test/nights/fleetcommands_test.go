package nights

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/admission"
	"nightshift/internal/app"
	"nightshift/internal/cli"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/pool"
	"nightshift/internal/report"
	"nightshift/internal/simulator"
	"nightshift/internal/view"
)

// answer is what a command of a night's operator said.
type answer struct {
	code     int
	out, log string
}

// ask runs a command of enqueue on the night's fleet.
func (p *place) ask(args ...string) answer {
	p.t.Helper()
	return p.askIn(p.t.Context(), p.with("NIGHTSHIFT_BUCKET=file://"+p.folder), args...)
}

// with is the night's environment with more.
func (p *place) with(more ...string) app.Process {
	return app.Process{Environ: append(slices.Clone(p.environ), more...), Transport: p.wire, Redis: p.client}
}

func (p *place) askIn(ctx context.Context, process app.Process, args ...string) answer {
	p.t.Helper()
	var out, log bytes.Buffer
	process.Args, process.Stdout, process.Stderr = args, &out, &log
	code := cli.Enqueue(ctx, process)
	return answer{code, out.String(), log.String()}
}

// done is ask for a command that is to succeed.
func (p *place) done(args ...string) string {
	p.t.Helper()
	a := p.ask(args...)
	if a.code != exitDone {
		p.t.Fatalf("enqueue %v ended with code %d: %s%s", args, a.code, a.out, a.log)
	}
	return a.out
}

// status is what the command says of the night's batch.
func (n *night) status() view.BatchStatus {
	n.t.Helper()
	var seen view.Status
	if err := json.Unmarshal([]byte(n.done("status", "--json", n.manifest.Batch())), &seen); err != nil {
		n.t.Fatal(err)
	}
	if len(seen.Batches) != 1 {
		n.t.Fatalf("status shows %d batches, want one", len(seen.Batches))
	}
	return seen.Batches[0]
}

// watching starts `enqueue watch` of the batch; the answer comes when it ends.
func (n *night) watching(flags ...string) <-chan answer {
	n.t.Helper()
	over, args := make(chan answer, 1), append([]string{"watch", n.manifest.Batch()}, flags...)
	go func() { over <- n.ask(args...) }()
	return over
}

// report is what the batch's report says.
func (n *night) report() report.Report {
	n.t.Helper()
	report, err := view.StoredReport(n.t.Context(), n.bucket, n.manifest.Batch())
	if err != nil {
		n.t.Fatal(err)
	}
	if report == nil {
		n.t.Fatal("there is no report")
	}
	return *report
}

// noSlotTaken judges that nothing holds a slot of the night's only key, or CU of the batch.
func (n *night) noSlotTaken() {
	n.t.Helper()
	a := admission.New(admission.Options{Redis: n.client, Prefix: n.prefix()})
	usage, err := a.Usage(n.t.Context(), admission.Scope{Kind: admission.Key, Name: pool.EnvironmentKey}, admission.Scope{Kind: admission.Team},
		admission.Scope{Kind: admission.Batch, Name: n.manifest.Batch()})
	if err != nil {
		n.t.Fatal(err)
	}
	key, team, batch := usage[admission.Key], usage[admission.Team], usage[admission.Batch]
	if key.Running != 0 || team.Running != 0 || batch.Reserved != 0 {
		n.t.Errorf("nothing runs, and %d slots of the key, %d of the team and %s CU are taken", key.Running, team.Running, batch.Reserved)
	}
}

// fleetOf is a night with a fleet of so many workers that has run its batch for a while.
func fleetOf(t *testing.T, o simulator.Options, workers int, text string, passed time.Duration) *night {
	t.Helper()
	o.Seed = 1
	if o.Latency == (simulator.Latency{}) {
		o.Latency = simulator.Between(30*time.Second, 30*time.Second)
	}
	n := newNight(t, o, text)
	for range workers {
		n.member()
	}
	n.submit()
	time.Sleep(passed) // virtual
	return n
}

func TestStatusNamesAFullCeiling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := fleetOf(t, simulator.Options{Parallel: 6, RequestsPerMinute: 600}, 2, etchings(120), 5*time.Minute)
		b := n.status()
		if b.State != view.StateRunning || b.Jobs.Running+b.Jobs.Storing > 6 || b.Jobs.Running < 4 || b.Jobs.Total != 120 {
			t.Errorf("the batch is %s with jobs %+v", b.State, b.Jobs)
		}
		if b.Bottleneck.Kind != string(job.WaitParallel) || !strings.Contains(b.Bottleneck.Text, "adding workers will not help: the team's ceiling of 6 is full") {
			t.Errorf("the bottleneck is %+v", b.Bottleneck)
		}
		if b.Waiting == nil || b.Waiting.Reason != job.WaitParallel {
			t.Errorf("it waits for %+v", b.Waiting)
		}
		// 6 jobs of 30 s each and what goes on around them: about 12 a minute, in waves.
		if b.ImagesPerMinute < 8 || b.ImagesPerMinute > 15 {
			t.Errorf("%.1f images a minute come home", b.ImagesPerMinute)
		}
		if left := time.Duration(b.SecondsLeft) * time.Second; left < 4*time.Minute || left > 12*time.Minute {
			t.Errorf("%s are said to be left", left)
		}
		if b.CU.Spent != job.CU(etchingCU*len(n.sim.Ledger()))-b.CU.Reserved {
			t.Errorf("%s CU are spent and %s reserved, the ledger has %d runs", b.CU.Spent, b.CU.Reserved, len(n.sim.Ledger()))
		}
		text := n.done("status")
		for _, want := range []string{"test/night: running", "limit     adding workers will not help", "WORKER", "worker-1", "worker-2"} {
			if !strings.Contains(text, want) {
				t.Errorf("status does not say %q:\n%s", want, text)
			}
		}
	})
}

func TestPauseStopsSendingAndResumeGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := fleetOf(t, simulator.Options{Parallel: 10, RequestsPerMinute: 600}, 2, etchings(80), 2*time.Minute)
		if said := n.done("pause", "--why", "new prompts", "night"); !strings.Contains(said, "nothing more is sent") || !strings.Contains(said, "cannot be cancelled") {
			t.Errorf("pause said %q", said)
		}
		sent := len(n.sim.Ledger())
		time.Sleep(4 * time.Minute)
		if now := len(n.sim.Ledger()); now != sent {
			t.Errorf("%d jobs were sent while the batch was paused", now-sent)
		}
		b := n.status()
		if b.State != view.StatePaused || b.Why != "new prompts" || b.Bottleneck.Kind != string(job.WaitPaused) {
			t.Errorf("the batch is %s because of %q, limited by %+v", b.State, b.Why, b.Bottleneck)
		}
		if b.Jobs.Running != 0 || b.Images.Done != sent {
			t.Errorf("%d images are stored and %d jobs run, %d were sent", b.Images.Done, b.Jobs.Running, sent)
		}
		if said := n.done("pause", "night"); !strings.Contains(said, "paused already") {
			t.Errorf("pausing it again said %q", said)
		}
		n.done("resume", "night")
		n.over(time.Hour)
		n.paidOnce()
		n.allStored()
	})
}

// TestNothingIsSentOnceConfirmed pauses and cancels while handlers hold grants that wait for
// their place in the request rate, and while requests are on their way.
func TestNothingIsSentOnceConfirmed(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"pause", "cancel"} {
		synctest.Test(t, func(t *testing.T) {
			n := newNight(t, simulator.Options{Parallel: 100, RequestsPerMinute: 60, Seed: 1, Latency: simulator.Between(30*time.Second, 30*time.Second)}, etchings(200))
			n.wire.next = slowWay{n.wire.next}
			for range 3 {
				n.member()
			}
			n.submit()
			for range 4 {
				time.Sleep(7 * time.Second)
				said := n.done(command, "night")
				sent := len(n.sim.Ledger())
				if !strings.Contains(said, "nothing more is sent") && !strings.Contains(said, "already") {
					t.Errorf("%s said %q", command, said)
				}
				time.Sleep(20 * time.Second)
				if late := len(n.sim.Ledger()) - sent; late != 0 {
					t.Errorf("%d jobs were sent after %s", late, command)
				}
				if command == "cancel" {
					break
				}
				n.done("resume", "night")
			}
			if command == "pause" {
				n.done("cancel", "night")
			}
			n.over(time.Hour)
			if got := len(n.succeeded()); got != len(n.sim.Ledger()) {
				t.Errorf("%d jobs are collected, %d were paid", got, len(n.sim.Ledger()))
			}
			n.noSlotTaken()
		})
	}
}

// slowWay takes its time with paid requests.
type slowWay struct{ next http.RoundTripper }

func (w slowWay) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "/generate/") && !r.URL.Query().Has("dryRun") {
		if err := travel(r.Context(), 3*time.Second); err != nil {
			return nil, err
		}
	}
	return w.next.RoundTrip(r)
}

// TestSilentWorkerIsNamed has a worker that does not hear: its name is said, in a bounded
// time.
func TestSilentWorkerIsNamed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := fleetOf(t, simulator.Options{Parallel: 10, RequestsPerMinute: 600}, 1, etchings(40), 30*time.Second)
		f := fleet.New(n.client, n.prefix())
		deaf, err := f.Join(t.Context(), "deaf", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		beat := fleet.Heartbeat{Worker: "deaf", Owner: deaf.Owner(), Versions: map[string]string{"test/night": "1-of-before go"}}
		if err := f.WriteHeartbeat(t.Context(), beat); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		said := n.done("pause", "night")
		if !strings.Contains(said, "not confirmed in time by deaf") || strings.Contains(said, "nothing more is sent") {
			t.Errorf("pause said %q", said)
		}
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
		if err := deaf.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.done("resume", "night")
		n.over(time.Hour)
		n.paidOnce()
	})
}

func TestCancelCollectsWhatRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := fleetOf(t, simulator.Options{Parallel: 10, RequestsPerMinute: 600}, 2, etchings(80), 2*time.Minute)
		watched := n.watching()
		time.Sleep(time.Second)
		if said := n.done("cancel", "test/night"); !strings.Contains(said, "committed and cannot be cancelled") {
			t.Errorf("cancel said %q", said)
		}
		sent := len(n.sim.Ledger())
		n.done("cancel", "night") // it may be repeated
		if a := n.ask("resume", "night"); a.code != exitInput || !strings.Contains(a.log, "being cancelled") {
			t.Errorf("resuming a cancelled batch ended with %d: %s", a.code, a.log)
		}
		n.over(10 * time.Minute)
		if a := <-watched; a.code != exitSomeFailed || !strings.Contains(a.out, "night cancelled after") {
			t.Errorf("watching it ended with %d: %s%s", a.code, a.out, a.log)
		}
		if a := n.ask("watch", "night"); a.code != exitSomeFailed || !strings.Contains(a.out, "enqueue retry test/night") {
			t.Errorf("watching it when it was over ended with %d: %s%s", a.code, a.out, a.log)
		}
		r := n.report()
		if r.State != report.Cancelled || r.Spend.Held != 0 || r.Counts.NotRun != 80-len(n.sim.Ledger()) {
			t.Errorf("the report says %s, %s CU held, %d of 80 not run with %d sent", r.State, r.Spend.Held, r.Counts.NotRun, len(n.sim.Ledger()))
		}
		n.noSlotTaken()
		if late := len(n.sim.Ledger()) - sent; late != 0 {
			t.Errorf("%d jobs were sent after the batch was cancelled", late)
		}
		if got := len(n.succeeded()); got != len(n.sim.Ledger()) {
			t.Errorf("%d jobs are collected, %d were paid", got, len(n.sim.Ledger()))
		}
		if said := n.done("cancel", "night"); !strings.Contains(said, "over already (cancelled)") {
			t.Errorf("cancelling it when it was over said %q", said)
		}
		n.done("retry", "night")
		n.over(time.Hour)
		n.paidOnce()
		n.allStored()
	})
}

func TestRetryRunsOnlyWhatFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(30*time.Second, 30*time.Second), Parallel: 10, RequestsPerMinute: 600, Seed: 1}, etchings(40))
		if err := n.sim.SetFaults(simulator.Fault{Kind: simulator.FaultModeration, Next: 7}); err != nil {
			t.Fatal(err)
		}
		n.member()
		a := n.ask("submit", "--watch", "--json", n.file)
		if a.code != exitSomeFailed {
			t.Fatalf("submit --watch ended with %d: %s%s", a.code, a.out, a.log)
		}
		if got := strings.Count(a.out, `"type":"result"`); got != 40 {
			t.Errorf("it told of %d results, want 40", got)
		}
		if first, _, _ := strings.Cut(a.out, "\n"); !strings.Contains(first, `"type":"submission"`) {
			t.Errorf("it began with %s", first)
		}
		if got := strings.Count(n.done("results", "--failed", "--json", "night"), "\n"); got != 7 {
			t.Errorf("results shows %d failed jobs, want 7", got)
		}
		sent := len(n.sim.Ledger())
		if said := n.done("retry", "night"); !strings.Contains(said, "7 jobs") || !strings.Contains(said, "15.75 CU") {
			t.Errorf("retry said %q", said)
		}
		if a := n.ask("retry", "night"); a.code != exitInput || !strings.Contains(a.log, "it goes on") {
			t.Errorf("retrying a batch that goes on ended with %d: %s", a.code, a.log)
		}
		if a := <-n.watching(); a.code != exitDone {
			t.Errorf("watching it ended with %d: %s%s", a.code, a.out, a.log)
		}
		if again := len(n.sim.Ledger()) - sent; again != 7 {
			t.Errorf("%d jobs ran again, want 7", again)
		}
		n.paidOnce()
		n.allStored()
		if said := n.done("retry", "night"); !strings.Contains(said, "nothing to run") {
			t.Errorf("retrying a complete batch said %q", said)
		}
		if got := n.done("results", "--failed", "night"); !strings.Contains(got, "no job of test/night has failed") {
			t.Errorf("after that results --failed says %q", got)
		}
	})
}

func TestSubmittedTwiceAtOnceIsOneBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(30*time.Second, 30*time.Second), Parallel: 10, RequestsPerMinute: 600, Seed: 1}, etchings(40))
		n.member()
		n.member()
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() { n.submit() })
		}
		both.Wait()
		n.over(time.Hour)
		n.paidOnce()
		n.allStored()
		if r := n.report(); r.Counts.Succeeded != 40 || r.Counts.NotRun != 0 {
			t.Errorf("the report counts %+v", r.Counts)
		}
	})
}

// TestEditedWhileItRuns submits a manifest with more rows, and without the first ones,
// while the old submission runs: only what is new is paid.
func TestEditedWhileItRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := fleetOf(t, simulator.Options{Parallel: 10, RequestsPerMinute: 600}, 2, etchings(60), 90*time.Second)
		watched := n.watching()
		n.write(etchings(90))
		n.submit()
		a := <-watched
		if a.code != exitDone || !strings.Contains(a.out, "done: 90 of 90 images") {
			t.Errorf("watching it ended with %d: %s%s", a.code, a.out, a.log)
		}
		n.paidOnce()
		n.allStored()
		r := n.report()
		// 60 jobs, 10 at a time, 30 s each: the slots of the old submission must not be lost.
		if took := r.Ended.Sub(r.Started); took > 4*time.Minute {
			t.Errorf("the new order took %s", took)
		}
		n.noSlotTaken()
		if c := r.Counts; c.Jobs != 90 || c.NotRun != 0 || c.Kept+c.Succeeded != 90 || c.Kept == 0 {
			t.Errorf("the report counts %+v", c)
		}
	})
}

func TestSubmittedAgainWhileCancelling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := fleetOf(t, simulator.Options{Parallel: 10, RequestsPerMinute: 600}, 1, etchings(40), time.Minute)
		n.done("cancel", "night")
		if said := n.submit(); !strings.Contains(said, "submitted") {
			t.Errorf("submitting it again said %q", said)
		}
		n.over(time.Hour)
		n.paidOnce()
		n.allStored()
	})
}

// TestLookWithoutRedis: where only the bucket can be reached, what it says is shown, and
// what it cannot say is named.
func TestLookWithoutRedis(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := fleetOf(t, simulator.Options{Parallel: 10, RequestsPerMinute: 600}, 1, etchings(60), 2*time.Minute)
		blind := n.with("NIGHTSHIFT_BUCKET=file://" + n.folder)
		blind.Redis = nil
		a := n.askIn(t.Context(), blind, "status")
		if a.code != exitDone || !strings.Contains(a.out, "NIGHTSHIFT_REDIS is not set here") || !strings.Contains(a.out, "test/night: running") {
			t.Errorf("status ended with %d: %s%s", a.code, a.out, a.log)
		}
		if a := n.askIn(t.Context(), blind, "pause", "night"); a.code != exitDone || !strings.Contains(a.out, "within half a minute") {
			t.Errorf("pause ended with %d: %s%s", a.code, a.out, a.log)
		}
		time.Sleep(time.Minute)
		if b := n.status(); b.State != view.StatePaused || b.Jobs.Running != 0 {
			t.Errorf("a minute later it is %s, and %d run", b.State, b.Jobs.Running)
		}
		n.done("resume", "night")
		a = n.askIn(t.Context(), blind, "watch", "--json")
		if a.code != exitDone || strings.Count(a.out, `"type":"result"`) != 60 {
			t.Errorf("watch ended with %d and %d results: %s", a.code, strings.Count(a.out, `"type":"result"`), a.log)
		}
		n.paidOnce()
	})
}

func TestWatchCanBeLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := fleetOf(t, simulator.Options{Parallel: 10, RequestsPerMinute: 600}, 1, etchings(40), time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		a := n.askIn(ctx, n.with("NIGHTSHIFT_BUCKET=file://"+n.folder), "watch")
		if a.code != exitInterrupted || !strings.Contains(a.out, "test/night goes on") {
			t.Errorf("it ended with %d: %s%s", a.code, a.out, a.log)
		}
		n.over(time.Hour)
		n.paidOnce()
	})
}

func TestListAndNames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := fleetOf(t, simulator.Options{Parallel: 20, RequestsPerMinute: 600}, 1, etchings(10), 0)
		n.over(time.Hour)
		live := n.batch(strings.Replace(etchings(4), "version: 1", "version: 1\nmode: live\nbudget: {cu: 1000}", 1))
		live.submit()
		a := n.ask("status", "night")
		if a.code != exitInput || !strings.Contains(a.log, "live/night") || !strings.Contains(a.log, "test/night") {
			t.Errorf("an ambiguous name ended with %d: %s", a.code, a.log)
		}
		if a := n.ask("pause", "nightly"); a.code != exitInput || !strings.Contains(a.log, "neither a manifest nor a batch") {
			t.Errorf("an unknown name ended with %d: %s", a.code, a.log)
		}
		if a := n.ask("pause", "../night"); a.code != exitInput {
			t.Errorf("a name that leaves the bucket ended with %d: %s", a.code, a.log)
		}
		n.done("status", "live/night")
		var all struct {
			Batches []struct {
				Batch             string
				State             view.State
				Succeeded, Images int
				CU                job.CU
			}
		}
		if err := json.Unmarshal([]byte(n.done("ls", "--json")), &all); err != nil {
			t.Fatal(err)
		}
		if len(all.Batches) != 2 || all.Batches[0].Batch != "night" || all.Batches[1].Batch != "test/night" {
			t.Fatalf("ls shows %+v", all.Batches)
		}
		if b := all.Batches[1]; b.State != view.State(report.Complete) || b.Succeeded != 10 || b.Images != 10 || b.CU != 10*etchingCU {
			t.Errorf("ls shows %+v", b)
		}
		if text := n.done("ls", "--open"); strings.Contains(text, "test/night") || !strings.Contains(text, "night  ") {
			t.Errorf("ls --open shows\n%s", text)
		}
		if said := n.done("__complete", "pause", "te"); !strings.Contains(said, "test/night") {
			t.Errorf("te is completed by %q", said)
		}
		links := n.done("results", "--format", "csv", "--links", "test/night")
		if got := strings.Count(links, "file://"+n.folder+"/test/night/potion/"); got != 10 {
			t.Errorf("results has %d links, want 10:\n%s", got, links)
		}
		if got := n.done("results", "--row", "potion*7", "--json", "test/night"); strings.Count(got, "\n") != 1 {
			t.Errorf("results of one row are\n%s", got)
		}
	})
}
