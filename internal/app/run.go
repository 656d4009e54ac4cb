package app

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync"
	"time"

	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/plan"
	"nightshift/internal/progress"
	"nightshift/internal/results"
	"nightshift/internal/text"
)

type runOptions struct {
	out   string
	quiet bool
	json  bool
}

// finishTime bounds report and contact sheet after an interruption.
const finishTime = 2 * time.Minute

// localRun is the command run: a submission, one worker and a watcher in one process.
type localRun struct {
	*session
	watch   *watcher
	options runOptions
	view    *progress.View
	again   string        // the command that goes on from here
	blocked chan blockage // told by the worker, in case the bucket does not take it
}

// run is the command run: it submits a manifest, works on that batch alone, and shows it
// until it is over, until nothing goes on without a person, or until ctx is done.
func run(ctx context.Context, p Process, s config.Settings, file string, o runOptions) (err error) {
	if p.simulator, err = builtInSimulator(); err != nil {
		return err
	}
	planned := time.Now().UTC()
	session, err := openSession(ctx, p, s, file, inFolder(o.out))
	if session != nil {
		defer func() { err = errors.Join(err, session.cleanup.run()) }()
	}
	if err != nil {
		return err
	}
	r := newLocalRun(p, session, again(file, o), o)
	defer r.view.Stop()
	made, err := r.prepare(ctx)
	if err != nil {
		return err
	}
	result, err := r.order(ctx, made, planned, orderOptions{own: true, local: r.embedded != nil})
	if err != nil {
		return err
	}
	if err := r.watch.readBucket(ctx); err != nil {
		return err
	}
	if result.Outcome == nothingNew {
		return r.nothingToRun(ctx, made.Jobs)
	}
	return r.work(ctx)
}

func newLocalRun(p Process, s *session, again string, o runOptions) *localRun {
	r := &localRun{session: s, options: o, again: again, blocked: make(chan blockage, 1)}
	r.watch = &watcher{
		fleetView: &fleetView{process: p, settings: s.settings, logger: s.logger, bucket: s.bucket, redis: s.redis, hasty: true},
		batch:     s.batch, started: s.started, json: o.json, shown: r.complete,
		ended: make(chan job.Result, landedQueue), news: make(chan struct{}, 1),
	}
	last := &r.watch.last
	last.Batch, last.Mode, last.Started, last.Phase = s.manifest.Name, s.manifest.Mode, s.started, progress.Planning
	r.view = progress.Start(p.Stdout, r.style(), r.watch.snapshot, r.watch.ended)
	return r
}

func (r *localRun) style() progress.Style {
	return progress.StyleOf(r.watch.process.Stdout, r.watch.process.Environ, r.options.quiet, r.options.json)
}

// again is the command of a run as it would be typed.
func again(file string, o runOptions) string {
	command := "enqueue run "
	if o.out != "" {
		command += "--out " + text.Quote(o.out) + " "
	}
	return command + text.Quote(file)
}

// prepare makes the plan and takes the batch for this process. Nothing is written
// before the plan is known to be good.
func (r *localRun) prepare(ctx context.Context) (made *plan.Plan, err error) {
	seen := r.state != nil
	if seen {
		if err := r.lock(ctx); err != nil {
			return nil, err
		}
	}
	if made, err = r.plan(ctx, r.waiting); err != nil {
		return nil, err
	}
	if !seen {
		if err := r.lock(ctx); err != nil {
			return nil, err
		}
		if err := r.readState(ctx); err != nil {
			return nil, err
		}
		if r.state != nil { // another run came and went in the meantime
			if made, err = r.plan(ctx, r.waiting); err != nil {
				return nil, err
			}
		}
	}
	if made.ToRun() > 0 {
		if err := r.checkKeys(ctx, func(text string) { r.view.Println(text) }); err != nil {
			return nil, err
		}
	}
	if err := r.sameWorld(ctx); err != nil {
		return nil, err
	}
	if err := r.identify(ctx); err != nil {
		return nil, err
	}
	r.watch.prefix = r.prefix
	r.watch.sees()
	return made, r.shareRedis(ctx)
}

// lock takes the batch for this process alone, if its Redis ends with it. Processes that
// share a server work on a batch together.
func (r *localRun) lock(ctx context.Context) error {
	if r.embedded == nil {
		return nil
	}
	unlock, err := r.bucket.Lock(ctx, r.batch+"/"+lockName)
	if err != nil {
		return &inputError{errors.Join(errors.New("batch "+r.manifest.Name), err)}
	}
	r.add("unlock batch", unlock)
	return nil
}

// work works on the batch and shows it until one of them ends, then says how it ended.
func (r *localRun) work(ctx context.Context) error {
	w, err := r.worker(ctx)
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { w.work(working) })
	found, err := r.follow(ctx)
	if ctx.Err() != nil || err != nil || found != nil {
		r.phase(progress.Stopping)
	}
	stop()
	running.Wait()
	switch {
	case ctx.Err() != nil:
		return r.endedEarly(ctx, w, ending{outcome: results.Interrupted, err: context.Cause(ctx)})
	case err != nil:
		return err
	case found != nil:
		return r.endedEarly(ctx, w, ending{outcome: results.Blocked, err: found.err, hint: found.hint})
	default:
		r.phase(progress.Done)
		r.view.Stop()
		return r.tellEnd(r.watch.record)
	}
}

// worker is a worker that knows of this batch alone, and uses what this process has
// opened.
func (r *localRun) worker(ctx context.Context) (*worker, error) {
	w := emptyWorker(r.watch.process, r.settings, "run-"+strconv.Itoa(os.Getpid()))
	w.logger, w.bucket, w.redis, w.prefix, w.only, w.api = r.logger, r.bucket, r.redis, r.prefix, r.batch, r.api
	if !r.api.fromFile {
		w.keysFile = ""
	}
	w.observer = observer{
		told:    func(text string) { r.view.Println(text) },
		landed:  r.landed,
		changed: func() { signal(r.watch.news) },
		blocked: func(b blockage) {
			select {
			case r.blocked <- b:
			default: // one is enough to end for
			}
		},
	}
	r.add("finish the worker's work", w.cleanup.run)
	w.requests.add(r.batch, r.api.requests)
	return w, w.join(ctx, r.gate.admission)
}

// follow shows the batch until it is over, or until something blocks it.
func (r *localRun) follow(ctx context.Context) (*blockage, error) {
	following, stop := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer stop()
	over := make(chan error, 1)
	watching.Go(func() { over <- r.watch.follow(following) })
	select {
	case err := <-over:
		return r.watch.record.blockage(), err
	case b := <-r.blocked:
		if _, wrong := errors.AsType[*inputError](b.err); wrong {
			return nil, b.err
		}
		return &b, nil
	}
}

// endedEarly reports on a batch that did not come to its end.
func (r *localRun) endedEarly(ctx context.Context, w *worker, end ending) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	err := w.reportEarly(ctx, r.batch, end)
	if err == nil {
		err = r.watch.readBucket(ctx)
	}
	if err == nil {
		err = r.watch.readWork(ctx)
	}
	if err != nil { // as on a full disk: why it ended is told first
		return errors.Join(end.err, err)
	}
	r.phase(progress.Stopping)
	r.view.Stop()
	record := r.watch.record
	if record.report == nil {
		return end.err
	}
	work, err := r.watch.work(ctx, record, nil)
	if err != nil {
		return err
	}
	s := r.summary(record)
	s.Remote.Inferences, s.Remote.CU, s.Remote.Gone = work.running+work.unknown+work.storing, work.reserved, r.api.builtIn
	if err := s.Write(r.watch.process.Stdout, r.style()); err != nil {
		return err
	}
	if end.outcome == results.Interrupted {
		return job.ErrInterrupted
	}
	return errSomeFailed
}

// nothingToRun reports on a batch whose images are all there.
func (r *localRun) nothingToRun(ctx context.Context, jobs int) error {
	report := results.Report{
		Batch: r.manifest.Name, Mode: r.manifest.Mode, State: results.Complete, Started: r.started, Ended: time.Now(),
		Counts: results.Counts{Jobs: jobs, Kept: jobs},
	}
	report.Requests.Total, report.Requests.ByOperation = r.api.requests.snapshot()
	fold, err := r.fold(ctx)
	if err != nil {
		return err
	}
	report.FillSpend(fold)
	if err := r.publish(ctx, report); err != nil {
		return err
	}
	r.phase(progress.Done)
	r.view.Stop()
	r.watch.record.report = &report
	return r.tellEnd(r.watch.record)
}

// tellEnd says how the batch ended, and decides whether all is well.
func (r *localRun) tellEnd(record *batchRecord) error {
	if err := r.summary(record).Write(r.watch.process.Stdout, r.style()); err != nil {
		return err
	}
	return outcomeOf(record.report)
}

// summary is what the person is told at the end.
func (r *localRun) summary(record *batchRecord) progress.Summary {
	s := r.watch.summary(record)
	s.Fleet, s.CU.Cap = false, r.manifest.Budget
	if s.Again != "" {
		s.Again = r.again
	}
	return s
}

// complete adds to what the view shows what only this process knows.
func (r *localRun) complete(s *progress.Snapshot) {
	s.Requests, _ = r.api.requests.snapshot()
	s.Started = r.started
	if s.Phase == progress.Waiting { // its worker is this process
		s.Phase = progress.Running
	}
}

func (r *localRun) phase(phase progress.Phase) {
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	r.watch.last.Phase = phase
}

// waiting shows what planning waits for.
func (r *localRun) waiting(reason job.WaitReason, after time.Duration) {
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	r.watch.last.Waiting = progress.Wait{Reason: reason, Until: time.Now().Add(after)}
}

// landed shows a result. One that comes while the terminal stands still, as under
// Ctrl-S, is not shown: the work never waits for who looks at it. As lines for
// programs all are written.
func (r *localRun) landed(result job.Result) {
	if r.options.json {
		r.watch.ended <- result
		return
	}
	select {
	case r.watch.ended <- result:
	default:
	}
}

// signal wakes whoever waits on c, now or next.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
