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

// A run is given up that the provider did not know so often, each this much later than
// the time before.
const (
	maxUnlisted  = 5
	unlistedTick = 20 * time.Second
)

// unlisted is how often the provider did not know a run, and when last.
type unlisted struct {
	times int
	last  time.Time
}

// polled is what the provider is asked about a running job.
func polled(rec *job.Record) provider.Run {
	return provider.Run{ID: rec.Inference, Made: rec.Started, Request: rec.Job.Request(), Images: len(rec.Job.Outputs), Quoted: rec.Job.Quote}
}

// poll asks the provider for running jobs and takes over what it says. mixed says that a job
// holds a run which it has not asked for, and which may be that of an unknown job.
func (w *watcher) poll(ctx context.Context, p provider.Provider, running []*job.Record) (mixed bool, err error) {
	if len(running) == 0 {
		return false, nil
	}
	byRun := make(map[string]*job.Record, len(running))
	runs := make([]provider.Run, len(running))
	for i, rec := range running {
		runs[i] = polled(rec)
		byRun[runs[i].ID] = rec
	}
	told, err := p.Poll(ctx, runs)
	asked := askedFor(told, byRun)
	var over []endedRun
	for i := range told {
		if whose := asked[told[i].ID]; whose != nil && byRun[told[i].ID] != whose {
			if failed := w.swap(ctx, &told[i], whose, byRun); failed != nil {
				err = errors.Join(err, failed)
				continue
			}
			if byRun[told[i].ID] != whose {
				continue // one of the two has moved on, and the next look tells which
			}
		}
		rec := byRun[told[i].ID]
		if rec == nil {
			continue
		}
		if told[i].Exact != "" {
			own := told[i]
			own.ID = told[i].Exact
			taken, failed := w.exchange(ctx, rec, &own) // the next look is for that
			err = errors.Join(err, failed)
			if taken || failed != nil {
				continue
			}
			told[i].Status = job.RunNotFound // it is another job's
		}
		w.hearStatus(ctx, rec, &told[i])
		if told[i].Foreign && told[i].AskedBy == "" {
			mixed = true
			end, failed := w.foreign(ctx, p, rec, &told[i])
			err = errors.Join(err, failed)
			over = append(over, end...)
		} else if run := w.hear(rec, &told[i]); run != nil {
			over = append(over, endedRun{rec, run})
		}
	}
	maps.DeleteFunc(w.unlisted, func(_ job.Ref, u unlisted) bool { return time.Since(u.last) > 10*unlistedTick })
	maps.DeleteFunc(w.sought, func(ref job.Ref, _ time.Time) bool { return isNot(running, ref) })
	return mixed, errors.Join(err, w.ended(ctx, over...))
}

// askedFor are the jobs whose requests runs answer that the receipts of others named.
func askedFor(told []job.Inference, byRun map[string]*job.Record) map[string]*job.Record {
	asked := make(map[string]*job.Record)
	for i := range told {
		if rec := byRun[told[i].AskedBy]; told[i].Foreign && byRun[told[i].ID] != nil && rec != nil {
			asked[told[i].ID] = rec
		}
	}
	return asked
}

// swap gives a run that shows other inputs than those of the job whose receipt named it to
// the job whose request it answers, and that one's run to the first: two receipts were
// swapped. The log says so before the records do, so that whoever comes next knows.
func (w *watcher) swap(ctx context.Context, run *job.Inference, asked *job.Record, byRun map[string]*job.Record) error {
	rec := byRun[run.ID]
	first := job.AttemptLine{Event: job.Received, Inference: run.ID, ProviderKeyID: w.knownKeyID(asked, run), Made: rec.Started}
	second := job.AttemptLine{Event: job.Received, Inference: asked.Inference, Made: asked.Started}
	if err := errors.Join(w.note(ctx, asked, first), w.note(ctx, rec, second)); err != nil {
		return err
	}
	if err := w.Store.Swap(ctx, rec, asked); err != nil {
		_, err := takenOver(err)
		return err
	}
	byRun[rec.Inference], byRun[asked.Inference] = rec, asked
	w.Logger.WarnContext(ctx, "receipt named another job's inference, its images go where they belong",
		w.attrs(asked, "inference_id", run.ID, "receipt_of", rec.Job.Row)...)
	return nil
}

// foreign takes a run that shows other inputs than those of the job whose receipt named it
// and that nobody here has asked for. It is the job's all the same, with a warning, unless
// its own run is found: an API may write inputs in another way than they were sent.
func (w *watcher) foreign(ctx context.Context, p provider.Provider, rec *job.Record, run *job.Inference) ([]endedRun, error) {
	if !run.Status.Ended() && time.Since(w.sought[rec.Ref]) < unlistedTick {
		return nil, nil
	}
	w.sought[rec.Ref] = time.Now()
	s, err := w.find(ctx, p, []*job.Record{rec}, nil)
	if err != nil {
		return nil, err
	}
	if found := s.runs(rec); len(found) == 1 && !s.matches[rec.Ref].Unclear {
		_, err := w.exchange(ctx, rec, &found[0])
		return nil, err
	}
	if w.anothers(rec, run) {
		return nil, w.disown(ctx, rec, run)
	}
	if !run.Status.Ended() {
		return nil, nil
	}
	w.Logger.WarnContext(ctx, "inference shows other inputs than were sent, its images are stored with a warning", w.attrs(rec, "inference_id", run.ID)...)
	return []endedRun{{rec, run}}, nil
}

// anothers reports whether a run cannot be the job's, however its inputs are written: it is
// of another model, or another API key has started it.
func (w *watcher) anothers(rec *job.Record, run *job.Inference) bool {
	if run.Model != "" && run.Model != rec.Job.Model {
		return true
	}
	authors, since := w.APIKeys.ProviderKeyIDs(rec.APIKey)
	return run.ProviderKeyID != "" && len(authors) > 0 && rec.Intent.After(since) && !slices.Contains(authors, run.ProviderKeyID)
}

// disown takes a run from the job whose receipt named it: what became of the job's own
// request is not known, and the run is found by whoever lacks it.
func (w *watcher) disown(ctx context.Context, rec *job.Record, run *job.Inference) error {
	err := w.Store.Observe(ctx, rec.Ref, job.Change{From: []job.State{job.Running}, To: job.Unknown, Disown: true})
	if over, err := takenOver(err); over || err != nil {
		return err
	}
	w.Logger.WarnContext(ctx, "receipt named an inference of another model or API key, looking for the job's own",
		w.attrs(rec, "inference_id", run.ID, "model_of_it", run.Model)...)
	return nil
}

// exchange gives a job its own run in place of the one that its receipt named, which
// belongs to nobody then and is found by whoever lacks it. It reports false for one that is
// another job's.
func (r *Runner) exchange(ctx context.Context, rec *job.Record, own *job.Inference) (taken bool, err error) {
	err = r.Store.Observe(ctx, rec.Ref, job.Change{From: []job.State{job.Running}, To: job.Running, Inference: own.ID, Started: own.CreatedAt})
	if errors.Is(err, job.ErrOwned) {
		return false, nil // the next look finds another
	}
	if over, err := takenOver(err); over || err != nil {
		return true, err
	}
	r.Logger.WarnContext(ctx, "receipt did not name the job's own inference, which was found",
		r.attrs(rec, "inference_id", own.ID, "receipt_named", rec.Inference)...)
	return true, r.note(ctx, rec, job.AttemptLine{Event: job.Received, Inference: own.ID, ProviderKeyID: r.knownKeyID(rec, own), Made: own.CreatedAt})
}

// knownKeyID is what the provider calls the API key of a job whose run was found and not
// received, where that was known before: nobody is to learn it from a guess.
func (r *Runner) knownKeyID(rec *job.Record, run *job.Inference) string {
	if authors, _ := r.APIKeys.ProviderKeyIDs(rec.APIKey); slices.Contains(authors, run.ProviderKeyID) {
		return run.ProviderKeyID
	}
	return ""
}

// isNot reports whether a job is none of these.
func isNot(jobs []*job.Record, ref job.Ref) bool {
	return !slices.ContainsFunc(jobs, func(rec *job.Record) bool { return rec.Ref == ref })
}

// strangeRun is a status that nobody knows, and since when a run has it.
type strangeRun struct {
	status string
	since  time.Time
}

// hearStatus takes note of a status that nobody knows, once for each run.
func (w *watcher) hearStatus(ctx context.Context, rec *job.Record, run *job.Inference) {
	if run.Strange == "" {
		delete(w.strange, rec.Ref)
		return
	}
	if w.strange[rec.Ref].status == run.Strange {
		return
	}
	w.strange[rec.Ref] = strangeRun{run.Strange, time.Now()}
	w.Logger.WarnContext(ctx, "inference has a status that is not known, waiting for another",
		w.attrs(rec, "inference_id", run.ID, "status", run.Strange)...)
}

// strangeStatus is what the lane shows of statuses that nobody knows; nil if there are none.
func (w *watcher) strangeStatus(running []*job.Record) *job.PostponedError {
	maps.DeleteFunc(w.strange, func(ref job.Ref, _ strangeRun) bool { return isNot(running, ref) })
	var first strangeRun
	for _, seen := range w.strange {
		if first.since.IsZero() || seen.since.Before(first.since) {
			first = seen
		}
	}
	if first.since.IsZero() {
		return nil
	}
	return &job.PostponedError{
		After: longTick, Reason: job.WaitStatus,
		Detail: fmt.Sprintf("%d running, the first %q since %s", len(w.strange), first.status, first.since.UTC().Format("2006-01-02 15:04:05 UTC")),
	}
}

// hear is the run of a job if it is over by what the provider says of it; nil if not.
func (w *watcher) hear(rec *job.Record, run *job.Inference) *job.Inference {
	if run.Status == job.RunNotFound {
		if !w.givenUp(rec) {
			return nil
		}
		return gone(rec)
	}
	if !run.Status.Ended() {
		return nil
	}
	return run
}

// givenUp counts that the provider did not know a run, and reports whether that was
// often enough.
func (w *watcher) givenUp(rec *job.Record) bool {
	u := w.unlisted[rec.Ref]
	if time.Since(u.last) < unlistedTick {
		return false
	}
	u.times, u.last = u.times+1, time.Now()
	w.unlisted[rec.Ref] = u
	return u.times >= maxUnlisted
}

// gone is the end of a run that the provider does not know any more. Its price is
// taken for spent: nothing says that it was given back.
func gone(rec *job.Record) *job.Inference {
	return &job.Inference{
		ID: rec.Inference, Status: job.RunNotFound, RefundDisabled: true, CreatedAt: rec.Started, UpdatedAt: time.Now(),
		Failure: "the provider does not know inference " + rec.Inference + " with this key and project",
		Hint:    "run again, with the key and project that started it: it is looked for again and not paid again",
	}
}
