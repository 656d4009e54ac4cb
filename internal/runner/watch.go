package runner

import (
	"context"
	"errors"
	"sync"
	"time"

	"nightshift/internal/backoff"
	"nightshift/internal/job"
	"nightshift/internal/provider"
)

const (
	// The time between looks: short while requests are plenty, because a run that
	// ended unseen holds a slot; long while they are scarce, because every look
	// costs a submission.
	shortTick  = 500 * time.Millisecond
	middleTick = time.Second
	longTick   = 16 * time.Second
	idleTick   = time.Second
	// plenty is the free part of the request rate above which requests are not scarce.
	plenty = 0.8
	// maxSendMargin is how old an intent may be when the request is sent, however long
	// the grace time is.
	maxSendMargin = time.Minute
	// PollBack is further back than a look for a lost reply ever goes before its
	// intent, clocks included.
	PollBack = 30 * time.Minute
	// ownMargin is how long inferences of finished jobs are remembered beyond the
	// oldest time that a search can look back to.
	ownMargin = 10 * time.Minute
)

// listRefusals is how many looks in succession must be refused before a person is asked: half
// a minute of them, as long as a key rests that was refused.
const listRefusals = 6

// pollAgain is the pause after a job list that could not be read.
var pollAgain = backoff.Policy{First: time.Second, Longest: time.Minute}

// Watch looks after all running and unknown jobs of the pool until ctx is done.
// Of several processes one does so at a time.
func (r *Runner) Watch(ctx context.Context) {
	lease := &watchLease{Lease: r.Lease}
	defer r.leaveLease(ctx, lease.Drop)
	var recovering sync.WaitGroup
	defer recovering.Wait()
	recovering.Go(func() { r.recover(ctx, lease) })
	watcher := &watcher{
		Runner: r, absent: make(map[job.Ref]absence), unlisted: make(map[job.Ref]unlisted), questions: make(map[string][]job.Decision),
		strange: make(map[job.Ref]strangeRun), sought: make(map[job.Ref]time.Time), recent: make(map[string]map[string]recentRun),
	}
	wait := time.Duration(0)
	for {
		if err := backoff.Sleep(ctx, wait); err != nil {
			return
		}
		held, err := lease.Hold(ctx)
		wait = idleTick
		if err == nil && held {
			wait, err = watcher.tick(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			watcher.failures++
			wait = pollAgain.After(watcher.failures)
			r.waits.setSide(listSide, unread(err, wait, watcher.failures))
			r.Logger.WarnContext(ctx, "job list not read, trying again", "err", err, "after", wait)
			if held && othersMayRead(err) && watcher.failures%passOnAfter == 0 {
				r.leaveLease(ctx, lease.passOn)
			}
			continue
		}
		watcher.failures = 0
		r.waits.setSide(listSide, watcher.undecided())
	}
}

// unread is what is waited for while the job list cannot be read, for so many times in
// succession. Where the provider refuses an API key, or what it may read, only a person
// ends the wait; one refusal may be a gateway's mistake.
func unread(err error, wait time.Duration, times int) *job.PostponedError {
	p := &job.PostponedError{After: wait, Reason: job.WaitBackoff, Detail: "the job list is not read: " + err.Error()}
	if access, refused := errors.AsType[*job.AccessError](err); refused {
		p.Reason, p.NeedsOperator = accessWait(access), times >= listRefusals
	}
	return p
}

// othersMayRead reports whether another process may read the job list that this one could
// not. What the provider refuses, it refuses to all.
func othersMayRead(err error) bool {
	_, refused := errors.AsType[*job.AccessError](err)
	return !refused
}

// leaveLease gives the lease back in one of two ways.
func (r *Runner) leaveLease(ctx context.Context, leave func(context.Context) error) {
	ctx, cancel := recording(ctx)
	defer cancel()
	if err := leave(ctx); err != nil {
		r.Logger.WarnContext(ctx, "watch lease not given back, others wait for its end", "err", err)
	}
}

// watcher is what one process remembers between looks.
type watcher struct {
	*Runner
	absent   map[job.Ref]absence  // of unknown jobs
	unlisted map[job.Ref]unlisted // of running ones
	strange  map[job.Ref]strangeRun
	sought   map[job.Ref]time.Time           // when the own run was looked for of a job whose receipt named another
	recent   map[string]map[string]recentRun // by the API key that reads, and the run
	// questions are what the current look cannot tell by itself, by batch; a batch
	// about which nothing is asked any more has an empty list.
	questions map[string][]job.Decision
	failures  int
}

// tick does one look, if there is anything to look for, and says when the next
// one is due.
func (w *watcher) tick(ctx context.Context) (time.Duration, error) {
	if err := w.wakeStoring(ctx); err != nil {
		return 0, err
	}
	running, err := w.records(ctx, job.Running)
	if err != nil {
		return 0, err
	}
	unknown, err := w.records(ctx, job.Unknown)
	if err != nil {
		return 0, err
	}
	w.waits.setSide(statusSide, w.strangeStatus(running))
	if len(running)+len(unknown) == 0 {
		return idleTick, nil
	}
	if early := w.tooEarly(running); len(unknown) == 0 && early > 0 {
		return early, nil
	}
	return w.pollAll(ctx, running, unknown)
}

// view is what one API key can see of our jobs.
type view struct{ running, unknown []*job.Record }

// pollAll looks with as few API keys as see everything. Trouble with one of them
// leaves the others to be looked at.
func (w *watcher) pollAll(ctx context.Context, running, unknown []*job.Record) (time.Duration, error) {
	views := make(map[string]*view)
	of := func(rec *job.Record) *view {
		reader := w.APIKeys.Reader(rec.APIKey)
		if views[reader] == nil {
			views[reader] = new(view)
		}
		return views[reader]
	}
	for _, rec := range running {
		of(rec).running = append(of(rec).running, rec)
	}
	for _, rec := range unknown {
		of(rec).unknown = append(of(rec).unknown, rec)
	}
	w.withdrawDecisions(unknown)
	w.forgetAbsences(unknown)
	var trouble []error
	wait, horizon := time.Duration(0), time.Now()
	for reader, view := range views {
		from, err := w.pollKey(ctx, reader, view)
		horizon = earlier(horizon, from)
		next := longTick
		if err == nil {
			next, err = w.nextTick(ctx, reader)
		}
		if err != nil {
			trouble = append(trouble, err)
		}
		wait = max(wait, next)
	}
	if err := errors.Join(trouble...); err != nil {
		return 0, err
	}
	if err := w.publishDecisions(ctx); err != nil {
		return 0, err
	}
	if err := w.Store.RecordPoll(ctx); err != nil {
		return 0, err
	}
	return wait, w.Store.Disown(ctx, horizon.Add(-ownMargin))
}

// pollKey asks the provider, as an API key sees it, for the jobs of a view. It returns how
// far back a search for their runs can lead, by the provider's clock.
func (w *watcher) pollKey(ctx context.Context, reader string, v *view) (horizon time.Time, err error) {
	p, err := w.provider(reader)
	if err != nil {
		return time.Now(), err
	}
	horizon = p.Earliest(time.Now())
	for _, rec := range v.running { // what runs stays known as ours
		horizon = earlier(horizon, rec.Started)
	}
	for _, rec := range v.unknown {
		horizon = earlier(horizon, p.Earliest(rec.Intent))
	}
	known := w.known(reader, v.running, horizon)
	mixed, err := w.poll(ctx, p, v.running)
	if err != nil {
		return horizon, err
	}
	return horizon, w.reconcile(ctx, p, v.unknown, known, mixed)
}

// recentRun is a run of ours that was seen to be at the provider.
type recentRun struct {
	made time.Time // by the provider's clock
	seen time.Time // since when it is known, by ours
}

// listLags is which part of the grace time a list may take to show a run.
const listLags = 8

// known are the runs of ours that every list must show which goes back to the horizon: those
// that run, and those that ran when this process looked before.
func (w *watcher) known(reader string, running []*job.Record, horizon time.Time) []provider.Run {
	recent := w.recent[reader]
	if recent == nil {
		recent = make(map[string]recentRun)
		w.recent[reader] = recent
	}
	for _, rec := range running {
		if _, there := recent[rec.Inference]; !there {
			recent[rec.Inference] = recentRun{rec.Started, time.Now()}
		}
	}
	var known []provider.Run
	for id, run := range recent {
		if run.made.Before(horizon) {
			delete(recent, id)
		} else if time.Since(run.seen) > w.Grace/listLags {
			known = append(known, provider.Run{ID: id, Made: run.made})
		}
	}
	return known
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (w *watcher) records(ctx context.Context, state job.State) ([]*job.Record, error) {
	refs, err := w.Store.In(ctx, state, 0)
	if err != nil || len(refs) == 0 {
		return nil, err
	}
	records, err := w.Store.Records(ctx, refs)
	if err != nil {
		return nil, err
	}
	// A job may have moved on between the two reads.
	kept := records[:0]
	for _, rec := range records {
		if rec.State == state {
			kept = append(kept, rec)
		}
	}
	return kept, nil
}

// tooEarly is the time until the first of the running jobs can have ended, going
// by the fastest run of its model, at most a long tick.
func (w *watcher) tooEarly(running []*job.Record) time.Duration {
	early := longTick
	for _, rec := range running {
		fastest := w.pace.fastest(rec.Job.Model)
		early = min(early, time.Until(rec.Intent.Add(fastest*8/10)))
	}
	return early
}

// nextTick is the time to the next look, by how scarce requests are.
func (w *watcher) nextTick(ctx context.Context, apiKey string) (time.Duration, error) {
	spare, err := w.Admission.Spare(ctx, apiKey)
	switch {
	case err != nil:
		return 0, err
	case spare > plenty:
		return shortTick, nil
	case spare > 0.5:
		return middleTick, nil
	default:
		return middleTick + time.Duration((0.5-spare)/0.5*float64(longTick-middleTick)), nil
	}
}

// wakeStoring wakes the collect task of every job whose run has ended. A task
// that ran just then may have missed the news, so this repeats until the job has
// moved on; a task that is gone is made again.
func (w *watcher) wakeStoring(ctx context.Context) error {
	storing, err := w.records(ctx, job.Storing)
	if err != nil {
		return err
	}
	var woken []job.EndedRun
	for _, rec := range storing {
		if rec.StoreTries == 0 { // or it rests between tries and comes back by itself
			woken = append(woken, job.EndedRun{Ref: rec.Ref, Generation: rec.Generation})
		}
	}
	if len(woken) == 0 {
		return nil
	}
	return w.Tasks.Collect(ctx, woken...)
}
