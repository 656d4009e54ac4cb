package runner_test

import (
	"context"
	"maps"
	"slices"
	"time"

	"nightshift/internal/job"
)

// memoryStore keeps job records as package queue does, without Redis.
type memoryStore struct {
	records map[job.Ref]*job.Record
	over    map[job.Ref]job.State
	ours    map[string]job.Ref // inferences, those of jobs that are over too
	history map[job.Ref][]job.State
	owners  map[job.Ref]identity
	watches identity // holds the lease
	looked  time.Time
	fence   int64
}

// identity is a process until it is declared dead.
type identity struct {
	p      *process
	deaths int
}

// deadAfter is how long a process does not answer until it is declared dead.
const deadAfter = 7 * time.Second

// gone reports whether the process is declared dead; the bed is locked.
func (i identity) gone() bool {
	return i.p != nil && (i.p.deaths > i.deaths || i.p.dead && time.Since(i.p.died) > deadAfter)
}

func (p *process) identity() identity { return identity{p, p.deaths} }

func newMemoryStore() *memoryStore {
	return &memoryStore{
		records: make(map[job.Ref]*job.Record), over: make(map[job.Ref]job.State), ours: make(map[string]job.Ref),
		history: make(map[job.Ref][]job.State), owners: make(map[job.Ref]identity),
	}
}

// went are the states that a job went through.
func (s *memoryStore) went(ref job.Ref) []job.State { return s.history[ref] }

func (s *memoryStore) enter(rec *job.Record, state job.State) {
	rec.State, rec.Since = state, time.Now()
	s.history[rec.Ref] = append(s.history[rec.Ref], state)
}

func (s *memoryStore) copyOf(ref job.Ref) (*job.Record, error) {
	rec := s.records[ref]
	if rec == nil {
		return nil, job.ErrRecordGone
	}
	copied := *rec
	copied.Avoid = slices.Clone(rec.Avoid)
	return &copied, nil
}

// change is change.lua.
func (s *memoryStore) change(ref job.Ref, fence int64, c job.Change) (int64, error) {
	rec := s.records[ref]
	switch {
	case rec == nil:
		return 0, job.ErrRecordGone
	case fence != 0 && fence != rec.Fence:
		return 0, job.ErrFenced
	case !slices.Contains(c.From, rec.State):
		return 0, job.ErrState
	}
	if c.Inference != "" && c.Inference != rec.Inference {
		if _, owned := s.ours[c.Inference]; owned {
			return 0, job.ErrOwned
		}
		s.ours[c.Inference] = ref
	}
	if c.Disown {
		delete(s.ours, rec.Inference)
		rec.Inference, rec.Started = "", time.Time{}
	}
	if c.Forget {
		rec.Intent, rec.Inference, rec.Started, rec.Outcome, rec.StoreTries, rec.Counted = time.Time{}, "", time.Time{}, nil, 0, false
	}
	if c.Inference != "" {
		rec.Inference, rec.Started = c.Inference, c.Started
	}
	if !c.Intent.IsZero() {
		rec.Intent = c.Intent
	}
	if c.APIKey != "" {
		rec.APIKey = c.APIKey
	}
	if len(c.Avoid) > 0 {
		rec.Avoid = slices.Clone(c.Avoid)
	}
	if c.Outcome != nil {
		rec.Outcome = c.Outcome
	}
	rec.Counted = rec.Counted || c.Counted
	for to, value := range map[*int]int{&rec.Attempt: c.Attempt, &rec.Generation: c.Generation, &rec.StoreTries: c.StoreTries} {
		if value != 0 {
			*to = value
		}
	}
	for to, value := range map[*job.CU]job.CU{&rec.EarlierBilled: c.EarlierBilled, &rec.EarlierRefunded: c.EarlierRefunded} {
		if value != 0 {
			*to = value
		}
	}
	if c.To != job.Sending {
		delete(s.owners, ref)
	}
	if rec.State != c.To {
		s.enter(rec, c.To)
	}
	rec.Fence++
	return rec.Fence, nil
}

// processStore is the store as one process reaches it.
type processStore struct{ p *process }

func (s processStore) do(ctx context.Context, name string, call func(*memoryStore) error) error {
	return s.p.call(ctx, name, func() error { return call(s.p.bed.store) })
}

func (s processStore) Add(ctx context.Context, batch string, priority job.Priority, jobs ...*job.Job) (states []job.State, err error) {
	err = s.do(ctx, "add record", func(m *memoryStore) error {
		for _, j := range jobs {
			states = append(states, m.add(job.Ref{Batch: batch, ID: j.ID}, j, priority))
		}
		return nil
	})
	return states, err
}

func (s *memoryStore) add(ref job.Ref, j *job.Job, priority job.Priority) job.State {
	if _, over := s.over[ref]; over {
		return ""
	}
	if rec := s.records[ref]; rec != nil {
		return rec.State
	}
	s.fence += 1000 // as time goes on, so that no fence comes again
	s.records[ref] = &job.Record{Ref: ref, Job: *j, Priority: priority, Fence: s.fence, Attempt: j.Before + 1, Generation: 1}
	s.enter(s.records[ref], job.Queued)
	return job.Queued
}

func (s processStore) Send(ctx context.Context, r *job.Record, intent time.Time, apiKey string, after time.Duration) error {
	return s.do(ctx, "mark as being sent", func(m *memoryStore) error {
		fence, err := m.change(r.Ref, r.Fence, job.Change{From: []job.State{job.Queued}, To: job.Sending, Intent: intent, APIKey: apiKey})
		if err != nil {
			return err
		}
		r.Fence, r.State, r.Intent, r.APIKey = fence, job.Sending, intent, apiKey
		s.p.bed.tasks.add(collectTask, r.Ref, r.Generation, after)
		s.p.bed.notify()
		return nil
	})
}

func (s processStore) Claim(ctx context.Context, ref job.Ref, states ...job.State) (rec *job.Record, claimed bool, err error) {
	name := "claim"
	s.p.bed.do(func() {
		if rec := s.p.bed.store.records[ref]; rec != nil {
			name += " a " + string(rec.State) + " job"
		}
	})
	err = s.do(ctx, name, func(m *memoryStore) (err error) {
		if rec := m.records[ref]; rec != nil && slices.Contains(states, rec.State) && (rec.State != job.Sending || m.owners[ref] == s.p.identity()) {
			claimed = true
			rec.Fence++
			m.owners[ref] = s.p.identity()
		}
		rec, err = m.copyOf(ref)
		return err
	})
	return rec, claimed, err
}

func (s processStore) Get(ctx context.Context, ref job.Ref) (rec *job.Record, err error) {
	err = s.do(ctx, "get record", func(m *memoryStore) (err error) {
		rec, err = m.copyOf(ref)
		return err
	})
	return rec, err
}

func (s processStore) Change(ctx context.Context, r *job.Record, c job.Change) error {
	return s.do(ctx, "change from "+string(r.State)+" to "+string(c.To), func(m *memoryStore) error {
		fence, err := m.change(r.Ref, r.Fence, c)
		if err == nil {
			r.Fence, r.State = fence, c.To
		}
		return err
	})
}

func (s processStore) Observe(ctx context.Context, ref job.Ref, c job.Change) error {
	return s.do(ctx, "observe that it is "+string(c.To), func(m *memoryStore) error {
		_, err := m.change(ref, 0, c)
		return err
	})
}

func (s processStore) Swap(ctx context.Context, a, b *job.Record) error {
	return s.do(ctx, "swap inferences", func(m *memoryStore) error {
		one, other := m.records[a.Ref], m.records[b.Ref]
		switch {
		case one == nil || other == nil:
			return job.ErrRecordGone
		case one.State != job.Running || other.State != job.Running || one.Inference != a.Inference || other.Inference != b.Inference:
			return job.ErrState
		}
		for _, pair := range [][2]*job.Record{{one, other}, {a, b}} {
			pair[0].Inference, pair[1].Inference = pair[1].Inference, pair[0].Inference
			pair[0].Started, pair[1].Started = pair[1].Started, pair[0].Started
			pair[0].Fence, pair[1].Fence = pair[0].Fence+1, pair[1].Fence+1
		}
		m.ours[one.Inference], m.ours[other.Inference] = a.Ref, b.Ref
		return nil
	})
}

func (s processStore) Finish(ctx context.Context, r *job.Record, final job.State, _ int) error {
	return s.do(ctx, "finish", func(m *memoryStore) error {
		rec := m.records[r.Ref]
		if rec == nil {
			return nil
		}
		if rec.Fence != r.Fence {
			return job.ErrFenced
		}
		m.enter(rec, final)
		m.over[r.Ref] = final
		delete(m.records, r.Ref)
		delete(m.owners, r.Ref)
		return nil
	})
}

func (s processStore) In(ctx context.Context, state job.State, _ int) (refs []job.Ref, err error) {
	err = s.do(ctx, "list "+string(state)+" jobs", func(m *memoryStore) error {
		for ref, rec := range m.records {
			if rec.State == state {
				refs = append(refs, ref)
			}
		}
		return nil
	})
	return refs, err
}

func (s processStore) Records(ctx context.Context, refs []job.Ref) (records []*job.Record, err error) {
	err = s.do(ctx, "read records", func(m *memoryStore) error {
		for _, ref := range refs {
			if rec, err := m.copyOf(ref); err == nil {
				records = append(records, rec)
			}
		}
		return nil
	})
	return records, err
}

func (s processStore) Ours(ctx context.Context, ids []string) (ours map[string]bool, err error) {
	err = s.do(ctx, "ask whose inferences they are", func(m *memoryStore) error {
		ours = make(map[string]bool, len(ids))
		for _, id := range ids {
			_, ours[id] = m.ours[id]
		}
		return nil
	})
	return ours, err
}

func (s processStore) Disown(ctx context.Context, before time.Time) error {
	return s.do(ctx, "disown", func(m *memoryStore) error {
		maps.DeleteFunc(m.ours, func(id string, _ job.Ref) bool {
			run := s.p.bed.provider.run(id)
			return run != nil && run.created.Before(before)
		})
		return nil
	})
}

func (s processStore) Counts(ctx context.Context, _ string) (counts job.Counts, err error) {
	err = s.do(ctx, "count jobs", func(m *memoryStore) error {
		counts.Jobs = make(map[job.State]int)
		for _, rec := range m.records {
			counts.Jobs[rec.State]++
		}
		return nil
	})
	return counts, err
}

func (s processStore) RecordPoll(ctx context.Context) error {
	return s.do(ctx, "note the look", func(m *memoryStore) error {
		m.looked = time.Now()
		return nil
	})
}

func (s processStore) LastPoll(ctx context.Context) (at time.Time, err error) {
	err = s.do(ctx, "ask for the last look", func(m *memoryStore) error {
		at = m.looked
		return nil
	})
	return at, err
}

// processLease is the lease on watching as one process reaches it.
type processLease struct{ p *process }

func (l processLease) Hold(ctx context.Context) (held bool, err error) {
	err = l.p.call(ctx, "hold lease", func() error {
		m := l.p.bed.store
		if held = m.watches.p == nil || m.watches == l.p.identity() || m.watches.gone(); held {
			m.watches = l.p.identity()
		}
		return nil
	})
	return held, err
}

func (l processLease) Drop(ctx context.Context) error {
	return l.p.call(ctx, "drop lease", func() error {
		if m := l.p.bed.store; m.watches == l.p.identity() {
			m.watches = identity{}
		}
		return nil
	})
}

func (s processStore) AnnounceWaiting(ctx context.Context, _ job.Priority, _ time.Duration) error {
	return s.do(ctx, "stand", func(*memoryStore) error { return nil })
}

func (s processStore) HigherWaiting(ctx context.Context, _ job.Priority) (bool, error) {
	return false, s.do(ctx, "ask who is ahead", func(*memoryStore) error { return nil })
}
