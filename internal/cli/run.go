package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/plan"
	"nightshift/internal/pool"
	"nightshift/internal/progress"
	"nightshift/internal/report"
	"nightshift/internal/text"
	"nightshift/internal/view"
	"nightshift/internal/worker"
)

type runOptions struct {
	out   string
	quiet bool
	json  bool
	// retryRefused runs again what was refused for its content and charged.
	retryRefused  bool
	replacePicked bool     // picked images may be replaced
	rolling       []string // rows that are rolled again
	yes           bool     // the price is agreed to
	origin        originOptions
}

// finishTime bounds report and contact sheet after an interruption.
const finishTime = 2 * time.Minute

// localRun is the command run: a submission, one worker and a watcher in one process.
type localRun struct {
	*session
	watch   *view.Watcher
	options runOptions
	view    *progress.View
	again   string              // the command that goes on from here
	blocked chan batch.Blockage // told by the worker, in case the bucket does not take it
	warned  []string            // of the manifest
}

// run is the command run: it submits a manifest, works on that batch alone, and shows it
// until it is over, until nothing goes on without a person, or until ctx is done.
func run(ctx context.Context, p app.Process, s config.Settings, file string, o runOptions) (err error) {
	if p.Simulator, err = pool.BuiltInSimulator(); err != nil {
		return err
	}
	planned := time.Now().UTC()
	session, err := openSession(ctx, p, s, file, o.origin, app.InFolder(o.out))
	if session != nil {
		defer func() { err = errors.Join(err, session.Cleanup.Run()) }()
	}
	if err != nil {
		return err
	}
	session.retryRefused, session.replacePicked, session.rolling = o.retryRefused, o.replacePicked, o.rolling
	r := newLocalRun(p, session, again(file, o), o)
	defer func() { r.view.Stop() }() // the one of then
	made, err := r.prepare(ctx)
	if err != nil {
		return err
	}
	result, err := r.submit(ctx, made, planned, submissionOptions{own: true, local: r.embedded != nil})
	if err != nil {
		return err
	}
	if err := r.watch.ReadBucket(ctx); err != nil {
		return err
	}
	if result.Outcome == nothingNew {
		return r.nothingToRun(ctx, made)
	}
	return r.work(ctx)
}

func newLocalRun(p app.Process, s *session, again string, o runOptions) *localRun {
	r := &localRun{session: s, options: o, again: again, blocked: make(chan batch.Blockage, 1)}
	r.watch = &view.Watcher{
		View:  &view.View{Process: p, Settings: s.settings, Logger: s.logger, Bucket: s.Bucket, Redis: s.redis, Hasty: true},
		Batch: s.Batch, Source: s.source, Started: s.started, JSON: o.json, Shown: r.complete,
		Ended: make(chan job.Result, view.ResultsQueue), News: make(chan struct{}, 1),
	}
	last := &r.watch.Last
	last.Batch, last.Mode, last.Started, last.Phase = s.manifest.Name, s.manifest.Mode, s.started, progress.Planning
	r.show()
	return r
}

// show starts the view.
func (r *localRun) show() {
	r.view = progress.Start(r.watch.Process.Stdout, r.style(), r.watch.Snapshot, r.watch.Ended)
}

func (r *localRun) style() progress.Style {
	return progress.StyleOf(r.watch.Process.Stdout, r.watch.Process.Environ, r.options.quiet, r.options.json)
}

// again is the command of a run as it would be typed.
func again(file string, o runOptions) string {
	command := "enqueue run "
	if o.out != "" {
		command += "--out " + text.Quote(o.out) + " "
	}
	if o.origin.format != "" {
		command += "--format " + o.origin.format + " "
	}
	return command + o.origin.nameFlag() + text.Quote(file)
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
	if made, err = r.priced(ctx); err != nil {
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
			if made, err = r.priced(ctx); err != nil {
				return nil, err
			}
		}
	}
	if made.ToRun() > 0 {
		if err := r.checkKeys(ctx, func(text string) { r.view.Println(text) }); err != nil {
			return nil, err
		}
	}
	if err := r.checkOrigin(ctx); err != nil {
		return nil, err
	}
	if err := r.identify(ctx); err != nil {
		return nil, err
	}
	r.watch.Prefix = r.prefix
	if err := r.serve(ctx); err != nil {
		return nil, err
	}
	r.watch.Connect()
	return made, r.shareRedis(ctx)
}

// serve makes sure that no workers of another Redis work in the folder, before they see
// the submission.
func (r *localRun) serve(ctx context.Context) error {
	if r.embedded != nil {
		return nil
	}
	r.serving.Waits = func(text string) { r.view.Println(text) }
	return r.serving.Begin(ctx)
}

// priced makes the plan, shows its price, and asks whether to spend it where that is due.
func (r *localRun) priced(ctx context.Context) (*plan.Plan, error) {
	made, err := r.plan(ctx, r.waiting)
	if err != nil {
		return nil, err
	}
	if err := r.keepPicked(made); err != nil {
		return nil, err
	}
	r.warn(made.Warnings)
	if made.ToRun() == 0 {
		return made, nil
	}
	if made.UnderWay, err = r.underWay(ctx, made); err != nil {
		return nil, err
	}
	if short := made.Shortage(); short != "" {
		r.view.Println("note: " + short)
	}
	price, p := r.priceOf(made), r.watch.Process
	if price.asks() && !r.options.yes && !r.options.json && atTerminal(p) {
		r.view.Stop() // nothing else writes while the question stands
		if err := price.agree(ctx, p, false); err != nil {
			return nil, err
		}
		r.show()
		return made, nil
	}
	if !r.options.json && !r.options.quiet {
		r.view.Println(price.words())
	}
	if r.options.json {
		p.Stdin = nil // a program reads what is printed
	}
	return made, price.agree(ctx, p, r.options.yes)
}

// warn tells what of the manifest is hardly meant as it reads, before anything is paid.
func (r *localRun) warn(warnings []string) {
	r.warned = warnings
	for _, warning := range warnings {
		r.view.Println("warning: " + warning)
	}
}

// lock takes the batch for this process alone, if its Redis ends with it. Processes that
// share a server work on a batch together.
func (r *localRun) lock(ctx context.Context) error {
	if r.embedded == nil {
		return nil
	}
	unlock, err := r.Bucket.Lock(ctx, r.Batch+"/"+batch.LockName)
	if err != nil {
		return &job.InputError{Err: fmt.Errorf("batch %s: %w", r.manifest.Name, err)}
	}
	r.Add("unlock batch", unlock)
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
	running.Go(func() { w.Work(working) })
	found, err := r.follow(ctx)
	if ctx.Err() != nil || err != nil || found != nil {
		r.phase(progress.Stopping)
	}
	stop()
	running.Wait()
	switch {
	case ctx.Err() != nil:
		return r.endedEarly(ctx, w, worker.Ending{Outcome: report.Interrupted, Err: context.Cause(ctx)})
	case err != nil:
		return err
	case found != nil:
		return r.endedEarly(ctx, w, worker.Ending{Outcome: report.Blocked, Err: found.Err, Hint: found.Hint})
	case r.watch.Record.Report == nil: // somebody else has closed it, or taken its files away
		return &job.HintedError{
			Err:  fmt.Errorf("batch %s: it is not open any more, and has no report of how it ended", r.manifest.Name),
			Hint: "what is made is in its folder; run its manifest again to make the rest",
		}
	default:
		r.phase(progress.Done)
		r.view.Stop()
		return r.tellEnd(ctx, r.watch.Record)
	}
}

// worker is a worker that knows of this batch alone, and uses what this process has
// opened.
func (r *localRun) worker(ctx context.Context) (*worker.Worker, error) {
	w := worker.New(r.watch.Process, r.settings, "run-"+strconv.Itoa(os.Getpid()))
	w.Logger, w.Bucket, w.Redis, w.Prefix, w.Only, w.API = r.logger, r.Bucket, r.redis, r.prefix, r.Batch, r.api
	w.Serving = r.serving
	if !r.api.FromFile {
		w.KeysFile = ""
	}
	w.Observer = worker.Observer{
		Said:    func(text string) { r.view.Println(text) },
		Stored:  r.stored,
		Changed: func() { signal(r.watch.News) },
		Blocked: func(b batch.Blockage) {
			select {
			case r.blocked <- b:
			default: // one is enough to end for
			}
		},
	}
	r.Add("finish the worker's work", w.Cleanup.Run)
	w.Requests.Add(r.Batch, r.api.Requests)
	return w, w.Join(ctx, r.limiter.Admission)
}

// follow shows the batch until it is over, or until something blocks it.
func (r *localRun) follow(ctx context.Context) (*batch.Blockage, error) {
	following, stop := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer stop()
	over := make(chan error, 1)
	watching.Go(func() { over <- r.watch.Follow(following) })
	select {
	case err := <-over:
		return r.watch.Record.Blockage(), err
	case b := <-r.blocked:
		if _, wrong := errors.AsType[*job.InputError](b.Err); wrong {
			return nil, b.Err
		}
		return &b, nil
	}
}

// endedEarly reports on a batch that did not come to its end.
func (r *localRun) endedEarly(ctx context.Context, w *worker.Worker, end worker.Ending) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	err := w.ReportEarly(ctx, r.Batch, end)
	if err == nil {
		err = r.watch.ReadBucket(ctx)
	}
	if err == nil {
		err = r.watch.ReadWork(ctx)
	}
	if err != nil { // as on a full disk: why it ended comes first
		return errors.Join(end.Err, err)
	}
	r.phase(progress.Stopping)
	r.view.Stop()
	record := r.watch.Record
	if record.Report == nil {
		return end.Err
	}
	s := r.summary(ctx, record)
	s.Remote.Inferences, s.Remote.CU, s.Remote.Gone = record.Report.InFlight, record.Report.Spend.Held, r.api.BuiltIn
	if err := s.Write(r.watch.Process.Stdout, r.style()); err != nil {
		return err
	}
	if record.Report.State == report.Interrupted {
		return job.ErrInterrupted
	}
	return view.OutcomeOf(record.Report)
}

// nothingToRun reports on a batch of which no job is to run: their images are there, or
// they were refused for good.
func (r *localRun) nothingToRun(ctx context.Context, made *plan.Plan) error {
	sums := report.Report{
		Batch: r.manifest.Name, Mode: r.manifest.Mode, State: report.Complete, Started: r.started, Ended: time.Now(),
		Counts: report.Counts{Jobs: made.Jobs, Kept: made.Kept, FailedBefore: made.FailedBefore, Waiting: made.Waiting},
	}
	sums.Requests.Total, sums.Requests.ByOperation = r.api.Requests.Snapshot()
	fold, err := r.Fold(ctx)
	if err != nil {
		return err
	}
	sums.FillSpend(fold)
	sums.Spend.FailedBefore = made.FailedBeforeCost
	if err := report.Publish(ctx, r.Bucket, r.Batch, r.Log, &sums); err != nil {
		return err
	}
	r.phase(progress.Done)
	r.view.Stop()
	r.watch.Record.Report = &sums
	return r.tellEnd(ctx, r.watch.Record)
}

// tellEnd says how the batch ended, and decides whether all is well.
func (r *localRun) tellEnd(ctx context.Context, record *view.BatchInfo) error {
	if err := r.summary(ctx, record).Write(r.watch.Process.Stdout, r.style()); err != nil {
		return err
	}
	return view.OutcomeOf(record.Report)
}

// summary tells the person how it ended.
func (r *localRun) summary(ctx context.Context, record *view.BatchInfo) progress.Summary {
	s := r.watch.Summary(ctx, record)
	s.Fleet, s.CU.Cap, s.Warnings = false, r.manifest.Budget, r.warned
	if s.Again != "" {
		s.Again = r.again
	}
	return s
}

// complete adds to what the view shows what only this process knows.
func (r *localRun) complete(s *progress.Snapshot) {
	s.Requests, _ = r.api.Requests.Snapshot()
	s.Started = r.started
	if s.Phase == progress.Waiting { // its worker is this process
		s.Phase = progress.Running
	}
}

func (r *localRun) phase(phase progress.Phase) {
	r.watch.Mu.Lock()
	defer r.watch.Mu.Unlock()
	r.watch.Last.Phase = phase
}

// waiting shows what planning waits for.
func (r *localRun) waiting(reason job.WaitReason, after time.Duration) {
	r.watch.Mu.Lock()
	defer r.watch.Mu.Unlock()
	r.watch.Last.Waiting = progress.Wait{Reason: reason, Until: time.Now().Add(after)}
}

// stored shows a result. One that comes while the terminal stands still, as under
// Ctrl-S, is not shown: the work never waits for who looks at it. As lines for
// programs all are written.
func (r *localRun) stored(result job.Result) {
	if r.options.json {
		r.watch.Ended <- result
		return
	}
	select {
	case r.watch.Ended <- result:
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
