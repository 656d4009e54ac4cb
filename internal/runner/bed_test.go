package runner_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/runner"
)

const (
	batchName = "icons"
	grace     = 40 * time.Second
	price     = job.CU(5000) // of a run
	// runTime is how long a run takes.
	runTime = 10 * time.Second
	// redelivery is how long a task of a dead process stays with it.
	redelivery = 30 * time.Second
	night      = "night" // an API key
	day        = "day"   // another
)

// bed is what surrounds the processes of a test and outlives them.
type bed struct {
	t         *testing.T
	mu        sync.Mutex // guards everything below
	jobs      []*job.Job
	store     *memoryStore
	tasks     *memoryTasks
	admission *memoryAdmission
	provider  *memoryProvider
	folder    *memoryFolder
	processes []*process
}

// newBed returns a bed with so many jobs to do, each with a seed of its own.
func newBed(t *testing.T, jobs int) *bed {
	b := &bed{
		t: t, store: newMemoryStore(), tasks: newMemoryTasks(), admission: newMemoryAdmission(night),
		provider: newMemoryProvider(), folder: newMemoryFolder(),
	}
	for i := range jobs {
		b.jobs = append(b.jobs, &job.Job{
			ID: job.ID(fmt.Sprintf("job%d", i)), Index: i, Row: fmt.Sprintf("row-%d", i), Model: "model_flux",
			Inputs:      job.Inputs{"prompt": "a potion", "seed": job.NormalValue(i)},
			PromptInput: "prompt", Outputs: []string{fmt.Sprintf("icons/%d.{ext}", i)}, Quote: price,
		})
	}
	return b
}

func refOf(j *job.Job) job.Ref { return job.Ref{Batch: batchName, ID: j.ID} }

// process is one process at work: a runner, its handlers and its watcher. Once it is
// killed, nothing that it calls has an effect.
type process struct {
	*runner.Runner
	bed     *bed
	ctx     context.Context
	end     context.CancelCauseFunc
	working sync.WaitGroup
	news    chan struct{} // there may be a task to do
	trap    *trap

	// Guarded by the bed.
	dead    bool
	died    time.Time
	deaths  int       // how often it was declared dead while it stood still
	still   time.Time // until when the process stands still
	calls   []string  // in their order, each the first time
	called  map[string]bool
	stuck   []error
	answers []runner.Answer
}

// trap is where something happens to a process: at the first call of this name.
type trap struct {
	call   string
	kind   trapKind
	sprung chan struct{} // closed when it happens
}

type trapKind string

const (
	killedBefore trapKind = "killed before"
	killedAfter  trapKind = "killed after"
	// A process that stands still does not know it; the queue gives its tasks to others.
	standsBriefly trapKind = "stands briefly before"
	standsLong    trapKind = "stands long before"
)

// stillFor is how long a process stands still.
func (k trapKind) stillFor() time.Duration {
	switch k {
	case standsBriefly:
		return 3 * time.Second
	case standsLong: // what it was about to send is sent again by then, and runs
		return grace + runTime
	default:
		return 0
	}
}

var errKilled = errors.New("the process is dead")

// start starts a process; trap may be nil.
func (b *bed) start(tr *trap) *process {
	p := &process{bed: b, news: make(chan struct{}, 1), trap: tr, called: make(map[string]bool)}
	p.ctx, p.end = context.WithCancelCause(context.Background())
	p.Runner = runner.New(runner.Options{
		APIKeys: processKeys{p}, Admission: processAdmission{p}, Store: processStore{p}, Tasks: processTasks{p}, Lease: processLease{p},
		Images:        processImages{p},
		Results:       func(string) runner.Results { return processFolder{p} },
		Attempts:      func(string) runner.Attempts { return processFolder{p} },
		Decisions:     func(string) runner.Decisions { return processFolder{p} },
		Logger:        slog.New(slog.DiscardHandler),
		NeedsOperator: func(_ string, err error) { b.do(func() { p.stuck = append(p.stuck, err) }) },
		Outcome:       func(a runner.Answer) { b.do(func() { p.answers = append(p.answers, a) }) },
		Grace:         grace,
		Inspect:       processImages{p}.inspect,
	})
	b.do(func() { b.processes = append(b.processes, p) })
	p.working.Go(p.takeTasks)
	return p
}

// watch lets the process watch, too.
func (p *process) watch() *process {
	p.working.Go(func() { p.Watch(p.ctx) })
	return p
}

// feed lets the process feed all jobs of the bed.
func (p *process) feed() *process {
	p.working.Go(func() {
		err := p.Feed(p.ctx, batchName, job.Normal, func(yield func(*job.Job, error) bool) {
			for _, j := range p.bed.jobs {
				if !yield(j, nil) {
					return
				}
			}
		}, nil)
		if err != nil && p.ctx.Err() == nil {
			p.bed.t.Errorf("feed: %v", err)
		}
	})
	return p
}

// stop stops the process as at a shutdown, with no time to drain.
func (p *process) stop() {
	p.Runner.Stop()
	p.end(job.ErrInterrupted)
	p.working.Wait()
}

// call makes a call to what is outside of the process.
func (p *process) call(ctx context.Context, name string, call func() error) error {
	b := p.bed
	b.mu.Lock()
	defer b.mu.Unlock()
	p.stand()
	if p.dead {
		return errKilled
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	first := !p.called[name]
	if first {
		p.called[name] = true
		p.calls = append(p.calls, name)
	}
	if !first || p.trap == nil || p.trap.call != name {
		return call()
	}
	close(p.trap.sprung)
	switch p.trap.kind {
	case killedBefore:
		p.kill()
		return errKilled
	case killedAfter:
		_ = call() // nobody hears of it
		p.kill()
		return errKilled
	default:
		p.still = time.Now().Add(p.trap.kind.stillFor())
		if p.trap.kind.stillFor() > deadAfter {
			p.deaths++ // at once; that is the earliest
		}
		b.tasks.giveUp(p, 0)
		b.notify()
		p.stand()
		if ctx.Err() != nil { // clients look before they write
			return context.Cause(ctx)
		}
		return call()
	}
}

// stand waits until the process does not stand still any more.
func (p *process) stand() {
	for time.Now().Before(p.still) {
		p.bed.mu.Unlock()
		time.Sleep(time.Until(p.still))
		p.bed.mu.Lock()
	}
}

// kill ends the process at once; the bed is locked.
func (p *process) kill() {
	p.dead, p.died = true, time.Now()
	p.end(errKilled)
	p.bed.tasks.giveUp(p, redelivery)
}

// takeTasks does tasks as they become due.
func (p *process) takeTasks() {
	for p.ctx.Err() == nil {
		var task *task
		wait := time.Hour
		p.bed.do(func() { task, wait = p.bed.tasks.take(p) })
		if task != nil {
			p.working.Go(func() { p.handle(task) })
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-p.news:
		case <-timer.C:
		case <-p.ctx.Done():
		}
		timer.Stop()
	}
}

func (p *process) handle(t *task) {
	handler := p.Submit
	if t.kind == collectTask {
		handler = p.Collect
	}
	err := handler(p.ctx, t.ref)
	p.bed.do(func() {
		if !p.dead && t.owner == p {
			p.bed.tasks.returned(p.bed.t, t, err)
			p.bed.notify()
		}
	})
}

// do does something with the bed locked.
func (b *bed) do(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// notify tells the processes that there may be a task; the bed is locked.
func (b *bed) notify() {
	for _, p := range b.processes {
		select {
		case p.news <- struct{}{}:
		default:
		}
	}
}

// await waits until a condition on the bed holds.
func (b *bed) await(what string, holds func() bool) {
	b.t.Helper()
	const longest = 4 * time.Hour
	for began := time.Now(); time.Since(began) < longest; time.Sleep(250 * time.Millisecond) {
		held := false
		b.do(func() { held = holds() })
		if held {
			return
		}
	}
	b.t.Errorf("after %s still not: %s; the job went %v", longest, what, b.store.went(refOf(b.jobs[0])))
}

// over waits until all jobs are.
func (b *bed) over() {
	b.t.Helper()
	b.await("all jobs are over", func() bool { return len(b.store.over) == len(b.jobs) })
}

// judge says what no life of a job may end with: a run that was paid twice, a run that
// was paid and whose images are not there, CU that are held or counted wrongly. again
// is how many runs were bought anew after a refund.
func (b *bed) judge(again int) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	perJob := make(map[string]int)
	var charged, billed job.CU
	for _, run := range b.provider.runs {
		perJob[string(run.inputs.Canonical())]++
		charged += run.charged()
		billed += run.end.billed
		if run.status == job.RunSucceeded && !b.folder.holds(run) {
			b.t.Errorf("run %s is paid and lost", run.id)
		}
	}
	for _, j := range b.jobs {
		if runs := perJob[string(j.Inputs.Canonical())]; runs != 1+again {
			b.t.Errorf("job %s was accepted %d times, want %d", j.ID, runs, 1+again)
		}
		if len(b.folder.resultsOf(j.ID)) != 1 {
			b.t.Errorf("job %s has %d different results", j.ID, len(b.folder.resultsOf(j.ID)))
		}
	}
	if len(b.admission.faults) > 0 {
		b.t.Errorf("admission was asked for what may not be: %q", b.admission.faults)
	}
	if len(b.admission.held) > 0 || b.admission.spent != charged {
		b.t.Errorf("admission holds %v and counts %s CU as spent, the provider took %s", b.admission.held, b.admission.spent, charged)
	}
	if len(b.store.records) > 0 {
		b.t.Errorf("records are left: %v", b.store.records)
	}
	logs, err := b.folder.fold(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	if held, taken, refunded := logs.Total(); held != 0 || taken != billed || taken-refunded != charged {
		b.t.Errorf("by the logs %s CU are held, %s billed and %s refunded, the provider took %s, and kept %s", held, taken, refunded, billed, charged)
	}
}
