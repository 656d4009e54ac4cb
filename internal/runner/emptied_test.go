package runner_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/runner"
)

// A process is killed at every point of a job's life, and Redis is emptied as well.
// What the batch's folder and the provider know is enough to go on.
func TestEveryKillPointWithRedisEmptied(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"plain", "reply lost, run accepted", "request lost", "refused for the ceiling", "passing fault, refunded"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, call := range callsOf(t, name) {
				for _, kind := range []trapKind{killedBefore, killedAfter} {
					t.Run(string(kind)+" "+call, func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							b := newBed(t, 1)
							b.provider.replies = slices.Clone(scenarios[name].replies)
							first := b.start(&trap{call: call, kind: kind, sprung: make(chan struct{})}).watch().feed()
							<-first.trap.sprung
							first.working.Wait()
							second := b.takeOver(t).watch().feed()
							b.over()
							second.stop()
							b.judge(scenarios[name].again)
						})
					})
				}
			}
		})
	}
}

// takeOver empties Redis and starts a process that takes over what the folder knows.
func (b *bed) takeOver(t *testing.T) *process {
	var open []runner.Open
	b.do(func() {
		b.store, b.tasks = newMemoryStore(), newMemoryTasks()
		for a := range b.admission.held {
			if len(b.folder.resultsOf(a.ref.ID)) == 0 {
				delete(b.admission.held, a)
			}
		}
		for _, j := range b.jobs {
			if results := b.folder.resultsOf(j.ID); len(results) > 0 {
				b.store.over[refOf(j)] = results[0].State
				b.admission.settle(attempt{refOf(j), results[0].Attempts}, results[0].Billed-results[0].Refunded)
				continue
			}
			var o *runner.Open
			for _, line := range b.folder.attempts {
				switch {
				case line.Job != j.ID:
				case line.Event == job.Intended:
					o = &runner.Open{Job: line.Spec, Attempt: line.Attempt, APIKey: line.APIKey, Intent: line.At}
				case line.Event == job.Received:
					o.Inference, o.Made = line.Inference, line.Made
				case line.Event == job.Refused:
					o = nil
				case line.Event == job.Ended:
					o, j.Before = nil, line.Attempt
				}
			}
			if o != nil {
				open = append(open, *o)
			}
		}
	})
	p := b.start(nil)
	if err := p.Resume(t.Context(), batchName, job.Normal, open); err != nil {
		t.Error(err)
	}
	return p
}

// What is in the results log already, and only its images are missing, is fetched
// again and not counted again.
func TestCountedRunsAreCollected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		p := b.start(nil).watch().feed()
		b.over()
		p.stop()
		var run *memoryRun
		b.do(func() {
			run = b.provider.runs[0]
			b.store, b.tasks = newMemoryStore(), newMemoryTasks()
			clear(b.folder.images)
		})
		again := b.start(nil).watch()
		open := runner.Open{Job: b.jobs[0], Attempt: 2, APIKey: night, Intent: run.created, Inference: run.id, Made: run.created, Counted: true}
		if err := again.Resume(t.Context(), batchName, job.Normal, []runner.Open{open}); err != nil {
			t.Fatal(err)
		}
		b.over()
		again.stop()
		last := b.folder.results[len(b.folder.results)-1]
		if b.admission.spent != price || last.Billed != 0 || last.Charge != nil || len(b.folder.images) != 1 || b.provider.sent != 1 {
			t.Errorf("spent %s, the result is billed %s, %d images, %d requests", b.admission.spent, last.Billed, len(b.folder.images), b.provider.sent)
		}
	})
}

// A job that is withdrawn while its request is about to be sent is not sent, and the log
// says so.
func TestWithdrawnJobsAreNotInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		tr := &trap{call: "mark as being sent", kind: standsBriefly, sprung: make(chan struct{})}
		p := b.start(tr).feed()
		<-tr.sprung
		b.do(func() {
			b.store.over[refOf(b.jobs[0])] = job.Cancelled
			delete(b.store.records, refOf(b.jobs[0]))
		})
		time.Sleep(2 * tr.kind.stillFor())
		p.stop()
		logs, err := b.folder.fold(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(b.folder.attempts) == 0 || len(logs.InFlight()) > 0 || len(b.admission.held) > 0 || b.provider.sent > 0 {
			t.Errorf("of the lines %+v in flight are %+v; held are %v, and %d were sent",
				b.folder.attempts, logs.InFlight(), b.admission.held, b.provider.sent)
		}
	})
}

// A request that was never accepted is not in flight from the moment on in which that is
// certain.
func TestLostRequestsAreRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.provider.replies = []reply{{err: errLost}}
		p := b.start(nil).watch().feed()
		b.over()
		p.stop()
		var events []job.AttemptEvent
		for _, line := range b.folder.attempts {
			events = append(events, line.Event)
		}
		if want := []job.AttemptEvent{job.Intended, job.Refused, job.Intended, job.Received}; !slices.Equal(events, want) {
			t.Errorf("the log says %q, want %q", events, want)
		}
	})
}
