package runner_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"nightshift/internal/job"
)

type taskKind string

const (
	submitTask  taskKind = "submit"
	collectTask taskKind = "collect"
)

// task is a durable task; only its generation gives it another identity.
type task struct {
	kind       taskKind
	ref        job.Ref
	generation int
	due        time.Time
	owner      *process // nil while nobody works on it
	deaths     int      // of the owner when it took the task
}

type taskID struct {
	kind       taskKind
	ref        job.Ref
	generation int
}

// memoryTasks keeps tasks as package queue does: at least once, now and then at the
// same time.
type memoryTasks struct{ tasks map[taskID]*task }

func newMemoryTasks() *memoryTasks { return &memoryTasks{tasks: make(map[taskID]*task)} }

func (m *memoryTasks) add(kind taskKind, ref job.Ref, generation int, after time.Duration) {
	id := taskID{kind, ref, generation}
	if m.tasks[id] == nil {
		m.tasks[id] = &task{kind: kind, ref: ref, generation: generation, due: time.Now().Add(after)}
	}
}

// take gives a due task to a process, or says when there may be one.
func (m *memoryTasks) take(p *process) (*task, time.Duration) {
	if still := time.Until(p.still); still > 0 {
		return nil, still
	}
	wait := time.Hour
	for _, t := range m.tasks {
		if t.owner != nil {
			continue
		}
		left := time.Until(t.due)
		if left <= 0 && !p.dead {
			t.owner, t.deaths = p, p.deaths
			return t, 0
		}
		wait = min(wait, max(left, time.Millisecond))
	}
	return nil, wait
}

// giveUp gives the tasks of a process that does not answer to others after a time.
func (m *memoryTasks) giveUp(p *process, after time.Duration) {
	for _, t := range m.tasks {
		if t.owner == p {
			t.owner, t.due = nil, time.Now().Add(after)
		}
	}
}

// returned deals with what a handler returned.
func (m *memoryTasks) returned(t *testing.T, done *task, err error) {
	postponed, waits := errors.AsType[*job.PostponedError](err)
	_, rejected := errors.AsType[*job.RejectedError](err)
	done.owner = nil
	switch {
	case err == nil:
		delete(m.tasks, taskID{done.kind, done.ref, done.generation})
	case waits:
		done.due = time.Now().Add(postponed.After)
	case rejected || errors.Is(err, job.ErrInvalid):
		t.Errorf("the %s task of %s would be archived: %v", done.kind, done.ref, err)
	default:
		done.due = time.Now().Add(time.Second)
	}
}

// processTasks are the tasks as one process reaches them.
type processTasks struct{ p *process }

func (s processTasks) do(ctx context.Context, name string, call func(*memoryTasks)) error {
	return s.p.call(ctx, name, func() error {
		call(s.p.bed.tasks)
		s.p.bed.notify()
		return nil
	})
}

func (s processTasks) Enqueue(ctx context.Context, _ job.Priority, generation int, refs ...job.Ref) error {
	return s.do(ctx, "enqueue", func(m *memoryTasks) {
		for _, ref := range refs {
			m.add(submitTask, ref, generation, 0)
		}
	})
}

func (s processTasks) Park(ctx context.Context, ref job.Ref, generation int, after time.Duration) error {
	return s.do(ctx, "park", func(m *memoryTasks) { m.add(collectTask, ref, generation, after) })
}

// Collect is collect.lua.
func (s processTasks) Collect(ctx context.Context, ended ...job.EndedRun) error {
	return s.do(ctx, "wake", func(m *memoryTasks) {
		for _, e := range ended {
			store := s.p.bed.store
			if e.Outcome != nil {
				_, _ = store.change(e.Ref, 0, job.Change{From: []job.State{job.Running}, To: job.Storing, Outcome: e.Outcome}) // or it was noted before
			}
			if rec := store.records[e.Ref]; rec == nil || rec.State != job.Storing {
				continue
			}
			m.add(collectTask, e.Ref, e.Generation, 0)
			if t := m.tasks[taskID{collectTask, e.Ref, e.Generation}]; t.owner == nil {
				t.due = time.Now()
			}
		}
	})
}

// Recover is recover.go of package queue.
func (s processTasks) Recover(ctx context.Context) error {
	return s.do(ctx, "recover", func(m *memoryTasks) {
		for ref, rec := range s.p.bed.store.records {
			m.recover(s.p.bed.store, ref, rec)
		}
	})
}

const lostAfter = time.Minute // tasks in no list are looked for so often

func (m *memoryTasks) recover(store *memoryStore, ref job.Ref, rec *job.Record) {
	kind := collectTask
	if rec.State == job.Queued || rec.State == job.Sending {
		kind = submitTask
	}
	t := m.tasks[taskID{kind, ref, rec.Generation}]
	orphan := store.owners[ref].gone()
	abandoned := t != nil && t.owner != nil && identity{t.owner, t.deaths}.gone()
	lost := t == nil && time.Since(rec.Since) > lostAfter && (rec.State == job.Queued || rec.State == job.Storing)
	if !orphan && !abandoned && !lost || rec.State == job.Sending && !orphan {
		return
	}
	next := job.Change{From: []job.State{rec.State}, To: rec.State}
	if abandoned {
		delete(m.tasks, taskID{kind, ref, rec.Generation})
	}
	switch {
	case rec.State == job.Sending:
		next.To = job.Unknown
	case t == nil || abandoned:
		next.Generation = rec.Generation + 1
	}
	_, _ = store.change(ref, 0, next) // nothing stands against it
	if next.Generation > 0 {
		m.add(kind, ref, next.Generation, 0)
	}
}
