package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// absences is in how many complete lists in a row an unknown job must be missing,
// spread over the grace time, before it counts as never accepted.
const absences = 4

// elsewhereGraces is how many grace times must pass before images and charges are asked in
// place of a list that shows nothing at all: a run has neither while it goes on, where the
// key may not read charges or they are told late.
const elsewhereGraces = 5

// soonGraces is the same where a list shows runs that were made shortly before, within one
// grace time: it is hardly one of long ago.
const soonGraces = 1

// slowRuns is how many times as long as the slowest run of its model a lost request is
// waited for before other sources are asked, which show it once it has made something.
const slowRuns = 2

// absence is in how many complete lists an unknown job was not found, and when last.
type absence struct {
	lists int
	last  time.Time
}

// reconcile settles the jobs whose reply was lost. Jobs that ask for the same are
// settled together: with no more runs of that kind than jobs, each run is one of
// theirs, whoever's it is among them, and the jobs that are left were never
// accepted. With more runs than jobs some are somebody else's, and no list says
// which.
//
// While runs are mixed up, what is not found may be held by another job of ours.
func (w *watcher) reconcile(ctx context.Context, p provider.Provider, unknown []*job.Record, known []provider.Run, mixed bool) error {
	if len(unknown) == 0 {
		return nil
	}
	s, err := w.find(ctx, p, unknown, known)
	if err != nil {
		return err
	}
	s.mixed = mixed
	undecided, err := w.applyAnswers(ctx, p, s, unknown)
	if err != nil {
		return err
	}
	sending, err := w.sendingNow(ctx)
	if err != nil {
		return err
	}
	for wanted, jobs := range alike(undecided) {
		if sending[wanted] {
			continue // its run may be in the list already, before its receipt is here
		}
		if err := w.settleAlike(ctx, s, jobs); err != nil {
			return err
		}
	}
	return s.unreliable()
}

// unreliable is the error of a list that lacks a run which is known to be there: nothing can
// be said to be absent, and what is unknown waits until it shows all.
func (s *search) unreliable() error {
	for _, match := range s.matches {
		if match.Lacks != "" {
			return fmt.Errorf("it does not agree with what single reads say of inference %s: lost replies wait until it does", match.Lacks)
		}
	}
	return nil
}

// forgetAbsences forgets the absences of jobs that are not unknown any more. It is
// given the unknown jobs of all views: one view does not know those of the others.
func (w *watcher) forgetAbsences(unknown []*job.Record) {
	maps.DeleteFunc(w.absent, func(ref job.Ref, _ absence) bool {
		return !slices.ContainsFunc(unknown, func(rec *job.Record) bool { return rec.Ref == ref })
	})
}

// alike groups jobs that no list tells apart, each group the oldest first.
func alike(jobs []*job.Record) map[string][]*job.Record {
	groups := make(map[string][]*job.Record)
	for _, rec := range jobs {
		groups[wanted(rec)] = append(groups[wanted(rec)], rec)
	}
	for _, group := range groups {
		slices.SortFunc(group, func(a, b *job.Record) int { return a.Intent.Compare(b.Intent) })
	}
	return groups
}

// wanted is all that a job asks for, and with which API key.
func wanted(rec *job.Record) string {
	return rec.APIKey + "\n" + rec.Job.Model + "\n" + string(rec.Job.Inputs.Canonical())
}

// sendingNow is what jobs ask for that wait for their answer at this moment.
func (w *watcher) sendingNow(ctx context.Context) (map[string]bool, error) {
	records, err := w.records(ctx, job.Sending)
	if err != nil {
		return nil, err
	}
	sending := make(map[string]bool, len(records))
	for _, rec := range records {
		sending[wanted(rec)] = true
	}
	return sending, nil
}

// search is what the provider knows of unknown jobs.
type search struct {
	matches map[job.Ref]*provider.Match
	taken   map[string]bool // runs that a job has taken since
	mixed   bool            // nothing can be said to be absent
}

// find looks for what became of jobs whose reply was lost.
func (w *watcher) find(ctx context.Context, p provider.Provider, unknown []*job.Record, known []provider.Run) (*search, error) {
	attempts := make([]provider.Attempt, len(unknown))
	for i, rec := range unknown {
		authors, since := w.APIKeys.ProviderKeyIDs(rec.APIKey)
		waited, slow := time.Since(rec.Since), slowRuns*w.pace.slowest(rec.Job.Model)
		attempts[i] = provider.Attempt{
			Request: rec.Job.Request(), Sent: rec.Intent, Author: authors, Since: since,
			Elsewhere: waited >= max(elsewhereGraces*w.Grace, slow), Soon: waited >= max(soonGraces*w.Grace, slow), Fresh: w.Grace,
		}
	}
	matches, err := p.Find(ctx, attempts, known, w.Store.Ours)
	if err != nil {
		return nil, err
	}
	s := &search{matches: make(map[job.Ref]*provider.Match, len(unknown)), taken: make(map[string]bool)}
	for i, rec := range unknown {
		s.matches[rec.Ref] = &matches[i]
	}
	return s, nil
}

// runs are those that a job may have started and that no other has taken.
func (s *search) runs(rec *job.Record) []job.Inference {
	return slices.DeleteFunc(slices.Clone(s.matches[rec.Ref].Runs), func(run job.Inference) bool { return s.taken[run.ID] })
}

// before are the runs that can be the job's if a clock is wrong, as only a person can tell.
func (s *search) before(rec *job.Record) []job.Inference {
	return slices.DeleteFunc(slices.Clone(s.matches[rec.Ref].Before), func(run job.Inference) bool { return s.taken[run.ID] })
}

// early is the newest run with the job's own seed that was made before the job was sent, by
// the clocks; nil if there is none.
func (s *search) early(rec *job.Record) *job.Inference {
	for i, run := range s.matches[rec.Ref].Early {
		if !s.taken[run.ID] {
			return &s.matches[rec.Ref].Early[i]
		}
	}
	return nil
}

// settleAlike settles jobs that ask for the same. The oldest may have started any run
// that one of them has.
func (w *watcher) settleAlike(ctx context.Context, s *search, jobs []*job.Record) error {
	match := s.matches[jobs[0].Ref]
	if len(s.runs(jobs[0])) > len(jobs) || match.Unclear {
		return w.decision(ctx, s, jobs)
	}
	rest := jobs[:0:0]
	for _, rec := range jobs {
		adopted, err := w.adoptFirst(ctx, s, rec)
		if err != nil {
			return err
		}
		if !adopted {
			rest = append(rest, rec)
		}
	}
	if !match.Complete || s.mixed {
		return nil
	}
	for _, rec := range rest {
		if err := w.countAbsence(ctx, s, match.Asked, rec); err != nil {
			return err
		}
	}
	return nil
}

// adoptFirst gives the job the first of the runs that it can have started.
func (w *watcher) adoptFirst(ctx context.Context, s *search, rec *job.Record) (bool, error) {
	runs := s.runs(rec)
	if len(runs) == 0 {
		return false, nil
	}
	s.taken[runs[0].ID] = true // it is nobody else's, whatever the answer is
	return w.take(ctx, rec, &runs[0])
}

// take makes the run the job's own. It reports false if the run was taken by
// another job in the meantime. Whether the run is over the next poll tells: a list may say
// less than the run itself.
func (w *watcher) take(ctx context.Context, rec *job.Record, run *job.Inference) (bool, error) {
	err := w.Store.Observe(ctx, rec.Ref, job.Change{
		From: []job.State{job.Unknown}, To: job.Running, Inference: run.ID, Started: run.CreatedAt,
	})
	if errors.Is(err, job.ErrOwned) {
		return false, nil
	}
	if taken, err := takenOver(err); taken || err != nil {
		return taken, err
	}
	delete(w.absent, rec.Ref)
	rec.Inference = run.ID
	w.Logger.InfoContext(ctx, "lost reply found in the job list, adopted", w.attrs(rec, "inference_id", run.ID)...)
	return true, w.note(ctx, rec, job.AttemptLine{Event: job.Received, Inference: run.ID, ProviderKeyID: w.knownKeyID(rec, run), Made: run.CreatedAt})
}

// countAbsence sends a job again once it was certainly never accepted: absent from
// complete lists all through the grace time, in which the provider's list may lag
// and a gateway that gave up may still pass the request on. What counts is when a list
// was asked for: this process may have stood still since.
func (w *watcher) countAbsence(ctx context.Context, s *search, asked time.Time, rec *job.Record) error {
	seen := w.absent[rec.Ref]
	if asked.Sub(seen.last) >= w.Grace/absences {
		seen.lists, seen.last = seen.lists+1, asked
		w.absent[rec.Ref] = seen
	}
	if seen.lists < absences || asked.Sub(rec.Since) < w.Grace {
		return nil
	}
	if s.matches[rec.Ref].Bare { // nothing tells the list from one that is empty by a fault
		return nil
	}
	if taken, err := w.takeEarly(ctx, s, rec); taken || err != nil { // no other clock has brought one up
		delete(w.absent, rec.Ref)
		return err
	}
	if before := s.before(rec); len(before) > 0 { // by a wrong clock it is one of these
		w.ask(rec, before)
		return nil
	}
	delete(w.absent, rec.Ref)
	return w.sendAgain(ctx, rec)
}

// takeEarly gives the job the run with its seed that was made before it was sent, by the
// clocks, if there is one.
func (w *watcher) takeEarly(ctx context.Context, s *search, rec *job.Record) (taken bool, err error) {
	early := s.early(rec)
	if early == nil {
		return false, nil
	}
	s.taken[early.ID] = true
	return w.take(ctx, rec, early)
}

// sendAgain queues a job that was never accepted, as the same attempt. What it held
// is given back first: behind jobs that wait for its own slot it would stand for ever.
func (w *watcher) sendAgain(ctx context.Context, rec *job.Record) error {
	ours := job.Change{From: []job.State{job.Unknown}, To: job.Unknown}
	if taken, err := takenOver(w.Store.Change(ctx, rec, ours)); taken || err != nil {
		return err
	}
	if err := w.Admission.Release(ctx, rec.Ref, rec.Attempt, rec.APIKey); err != nil {
		return err
	}
	if err := w.note(ctx, rec, job.AttemptLine{Event: job.Refused}); err != nil {
		return err
	}
	next := job.Change{From: []job.State{job.Unknown}, To: job.Queued, Generation: rec.Generation + 1}
	if taken, err := takenOver(w.Store.Change(ctx, rec, next)); taken || err != nil {
		return err
	}
	w.Logger.WarnContext(ctx, "lost submission was never accepted, sending it again", w.attrs(rec)...)
	return w.Tasks.Enqueue(ctx, rec.Priority, next.Generation, rec.Ref)
}
