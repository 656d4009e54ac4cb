package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/plan"
	"nightshift/internal/progress"
	"nightshift/internal/text"
	"nightshift/internal/view"
)

type submitOptions struct {
	json  bool
	quiet bool // failures and the end alone
	watch bool // until it is over
	// retryRefused runs again what was refused for its content and charged.
	retryRefused  bool
	replacePicked bool     // picked images may be replaced
	rolling       []string // rows that are rolled again
	yes           bool     // the price is agreed to
	origin        originOptions
}

// asking is the process as a command that may ask a person sees it: not where a program
// reads what is printed.
func (o *submitOptions) asking(p app.Process) app.Process {
	if o.json {
		p.Stdin = nil
	}
	return p
}

// submission is the outcome of submitting a manifest.
type submission struct {
	Type    string            `json:"type"` // "submission", which tells it from the lines of watching
	Batch   string            `json:"batch"`
	Outcome submissionOutcome `json:"outcome"`
	Order   string            `json:"order,omitempty"`
	Jobs    int               `json:"jobs"`
	Kept    int               `json:"kept"`
	// FailedBefore were refused for their content and charged: they do not run again.
	FailedBefore     int    `json:"failedBefore,omitempty"`
	FailedBeforeCost job.CU `json:"failedBeforeCost,omitempty"`
	// Waiting are jobs that wait for a pick, and WaitingCost what they cost once they run.
	Waiting     int    `json:"waiting,omitempty"`
	WaitingCost job.CU `json:"waitingCost,omitempty"`
	Images      int    `json:"images"`
	Cost        job.CU `json:"cost"`
	// Forecast is how long it takes by the plan, in seconds.
	Forecast float64 `json:"forecastSeconds"`
	Workers  int     `json:"workers"` // that live; -1 where nobody could say
	Folder   string  `json:"folder"`
	// Warnings are what of the manifest is hardly meant as it reads.
	Warnings []string `json:"warnings,omitzero"`
	// Shortage says what of the plan the caps do not cover at once.
	Shortage string `json:"shortage,omitempty"`

	arg string // what the batch is called on a command line
}

const submissionType = "submission"

type submissionOutcome string

const (
	submitted  submissionOutcome = "submitted"
	underWay   submissionOutcome = "under_way"   // the same was submitted before and goes on
	nothingNew submissionOutcome = "nothing_new" // all its images are there
)

// submit is the command submit: it plans a manifest, writes the plan into the fleet's
// bucket and tells the workers. What happens then does not depend on this process.
func submit(ctx context.Context, p app.Process, s config.Settings, file string, o submitOptions) (err error) {
	planned := time.Now().UTC()
	session, err := openSession(ctx, p, s, file, o.origin, app.OpenBucket)
	if session != nil {
		defer func() { err = errors.Join(err, session.Cleanup.Run()) }()
	}
	if err != nil {
		return err
	}
	if session.api.BuiltIn {
		return &job.InputError{Err: &job.HintedError{
			Err:  fmt.Errorf("%s is of mode test, and the built-in simulator cannot be reached by workers", file),
			Hint: "name an API in " + config.URLVariable + ", such as that of a simulator process, or use enqueue run",
		}}
	}
	session.retryRefused, session.replacePicked, session.rolling = o.retryRefused, o.replacePicked, o.rolling
	made, err := session.plan(ctx, nil)
	if err == nil {
		err = session.keepPicked(made)
	}
	if err != nil {
		return err
	}
	if !made.Fits() {
		if err := writePlanTo(p.Stderr, made, false); err != nil {
			return err
		}
		complain(p.Stderr, &job.HintedError{
			Err: errors.New("a cap of CU does not cover the plan; nothing was submitted"), Hint: "raise the cap, or leave out rows; see enqueue plan " + o.origin.nameFlag() + text.Quote(file),
		})
		return app.ErrSomeFailed
	}
	for _, warning := range made.Warnings {
		fmt.Fprintln(p.Stderr, "warning: "+warning)
	}
	if short := made.Shortage(); short != "" {
		fmt.Fprintln(p.Stderr, "note: "+short)
	}
	if made.ToRun() > 0 {
		if made.UnderWay, err = session.underWay(ctx, made); err != nil {
			return err
		}
	}
	price := session.priceOf(made)
	if err := price.agree(ctx, o.asking(p), o.yes); err != nil {
		return err
	}
	if err := session.identify(ctx); err != nil {
		return err
	}
	if made.ToRun() > 0 {
		if err := session.checkKeys(ctx, func(text string) { fmt.Fprintln(p.Stderr, text) }); err != nil {
			return err
		}
	}
	result, err := session.submit(ctx, made, planned, submissionOptions{})
	if err != nil {
		return err
	}
	if err := session.tellSubmission(ctx, p, result, o); err != nil || !o.watch {
		return err
	}
	if result.Outcome == nothingNew {
		if result.FailedBefore > 0 {
			return app.ErrSomeFailed
		}
		return nil
	}
	return view.With(ctx, p, s, func(v *view.View) error {
		return v.Watch(ctx, result.Batch, planned, view.WatchOptions{Quiet: o.quiet, JSON: o.json, Source: session.source})
	})
}

// submissionOptions say how a submission is to be run.
type submissionOptions struct {
	own   bool // in a lane of its own
	local bool // on a Redis within this process
}

// submit makes the plan the batch's submission, unless it is that already.
func (o *session) submit(ctx context.Context, made *plan.Plan, planned time.Time, options submissionOptions) (*submission, error) {
	before, err := batch.ReadSubmission(ctx, o.Bucket, o.Batch)
	if err == nil {
		err = o.checkSource(before)
	}
	if err != nil {
		return nil, err
	}
	open, err := batch.OpenBatches(ctx, o.Bucket)
	if err != nil {
		return nil, err
	}
	goesOn := before != nil && slices.Contains(open, o.Batch)
	if goesOn && before.Local && !options.local {
		if err := o.notRunning(ctx); err != nil {
			return nil, err
		}
	}
	if goesOn && !before.Local && options.local {
		return nil, o.workersHaveIt()
	}
	var wanted batch.Control // of the submission before; one that is cancelled is about to end
	if goesOn {
		if wanted, err = batch.ReadControl(ctx, o.Bucket, before); err != nil {
			return nil, err
		}
	}
	next := batch.NewSubmission(o.manifest, made, planned)
	if err := next.SetRevision(ctx, o.Bucket, before); err != nil {
		return nil, err
	}
	next.OwnLane, next.Local, next.Source = options.own, options.local, o.source
	next.Renamed = o.origin.name != ""
	if next.File, err = filepath.Abs(o.manifest.Path); err != nil {
		return nil, err
	}
	result := &submission{
		Type: submissionType, Batch: o.Batch, Outcome: submitted, Jobs: next.Jobs, Kept: next.Kept, Images: next.Images, Cost: next.Cost,
		FailedBefore: next.FailedBefore, FailedBeforeCost: next.FailedBeforeCost, Waiting: next.Waiting, WaitingCost: next.WaitingCost, Forecast: next.Forecast, Folder: o.Bucket.Path(o.Batch),
		Warnings: made.Warnings, Shortage: made.Shortage(), arg: view.Arg(ctx, o.Bucket, o.Batch),
	}
	if made.ToRun() == 0 && !goesOn {
		left, err := o.underWay(ctx, made)
		if err != nil || left == nil {
			result.Outcome = nothingNew
			return result, err
		}
	}
	if err := next.SetID(made.Digest); err != nil {
		return nil, err
	}
	if err := o.noteRolls(ctx); err != nil {
		return nil, err
	}
	if err := batch.WriteQuotes(ctx, o.Bucket, o.Batch, o.priced); err != nil {
		return nil, err
	}
	if err := batch.WriteReferences(ctx, o.Bucket, o.Batch, made.ReferenceFiles()); err != nil {
		return nil, err
	}
	// A Redis within a process is gone with it: what such a run has left begins again.
	if goesOn && wanted.State != batch.ControlCancel && !before.Local && !next.Local && before.Content == next.Content {
		result.Outcome, result.Order = underWay, before.ID
		return result, o.unblock(ctx, before, wanted, made)
	}
	result.Order, next.Plan = next.ID, batch.NewPlanKey(o.Batch)
	if err := batch.WritePlan(ctx, o.Bucket, next.Plan, made); err != nil {
		return nil, err
	}
	return result, openSubmission(ctx, o.Bucket, next)
}

// unblock lets a submission go on that was blocked: who submits it again has seen to what
// blocked it. Its plan is written again, should that have been damaged; its jobs are the
// same. What a person has paused stays so.
func (o *session) unblock(ctx context.Context, before *batch.Submission, c batch.Control, made *plan.Plan) error {
	if c.Blockage() == nil {
		return nil
	}
	if err := batch.WritePlan(ctx, o.Bucket, before.Plan, made); err != nil {
		return err
	}
	return batch.WriteControl(ctx, o.Bucket, before, batch.Control{State: batch.ControlGo})
}

// notRunning makes sure that no process with a Redis of its own works on the batch.
func (o *session) notRunning(ctx context.Context) error {
	unlock, err := o.Bucket.Lock(ctx, o.Batch+"/"+batch.LockName)
	if err != nil {
		return &job.InputError{Err: fmt.Errorf("batch %s: %w", o.manifest.Name, err)}
	}
	return unlock()
}

// workersHaveIt refuses a run whose Redis ends with it while workers have the batch: both
// would send its jobs.
func (o *session) workersHaveIt() error {
	return &job.InputError{Err: &job.HintedError{
		Err: fmt.Errorf("batch %s was submitted to workers, and this run does not share their Redis", o.manifest.Name),
		Hint: "set " + config.RedisVariable + " to their Redis, and the run takes part; if there are no workers any more, delete " +
			o.Bucket.Path(batch.OpenFolder+"/"+o.Batch) + " first",
	}}
}

// openSubmission hands a submission, whose plan is written, to the fleet. The batch is opened
// last: until then no worker looks at it.
func openSubmission(ctx context.Context, b bucket.Objects, o *batch.Submission) error {
	if err := batch.WriteSubmission(ctx, b, o); err != nil {
		return err
	}
	return batch.OpenBatch(ctx, b, o)
}

// tellSubmission tells the workers, and the person.
func (o *session) tellSubmission(ctx context.Context, p app.Process, result *submission, options submitOptions) error {
	result.Workers = -1
	if o.embedded == nil {
		f := fleet.New(o.redis, o.prefix)
		if err := f.Announce(ctx); err != nil {
			return err
		}
		workers, err := f.Workers(ctx)
		if err != nil {
			return err
		}
		result.Workers = len(workers)
	}
	if options.json { // one line, since others may follow
		return text.WriteJSON(p.Stdout, result)
	}
	if options.quiet {
		return nil
	}
	_, err := fmt.Fprint(p.Stdout, result.words())
	return err
}

func (s *submission) words() string {
	switch s.Outcome {
	case nothingNew:
		if s.FailedBefore > 0 {
			return fmt.Sprintf("%s: nothing to run, %s made\n%s", s.Batch, text.Count(s.Kept, "job"), s.refusedWords())
		}
		if s.Waiting > 0 {
			return fmt.Sprintf("%s: nothing to run, %s made; %s\n", s.Batch, text.Count(s.Kept, "job"), s.waitingWords())
		}
		return fmt.Sprintf("%s: nothing to run, all of its %s are made\n", s.Batch, text.Count(s.Jobs, "job"))
	case underWay:
		return fmt.Sprintf("%s is under way already with just these jobs; follow it with enqueue watch %s\n", s.Batch, s.arg)
	}
	line := fmt.Sprintf("%s submitted: %s, %s, %s CU", s.Batch, text.Count(s.Jobs-s.Kept-s.FailedBefore-s.Waiting, "job"), text.Count(s.Images, "image"), s.Cost)
	if s.Kept > 0 {
		line += fmt.Sprintf(" (%d are there already)", s.Kept)
	}
	if s.Waiting > 0 {
		line += "\n" + s.waitingWords()
	}
	line += "\n" + s.refusedWords() + fmt.Sprintf("results go to %s\n", s.Folder)
	switch {
	case s.Workers == 0:
		line += "no worker runs at the moment; the batch waits until one is started\n"
	case s.Workers > 0:
		line += fmt.Sprintf("%s at work; follow it with enqueue watch %s\n", text.Count(s.Workers, "worker"), s.arg)
	default:
		line += "NIGHTSHIFT_REDIS is not set here, so workers find the batch at their next round, within half a minute\n"
	}
	return line
}

// waitingWords says what runs only once a person has picked.
func (s *submission) waitingWords() string {
	return fmt.Sprintf("%s, %s CU if all are picked: enqueue pick %s ROW…, then enqueue resume %s", progress.WaitForPick(s.Waiting), s.WaitingCost, s.arg, s.arg)
}

// refusedWords says which jobs are left out because the same would be paid again.
func (s *submission) refusedWords() string {
	if s.FailedBefore == 0 {
		return ""
	}
	return fmt.Sprintf("%s failed before, %s CU so far; not run again: change the rows, or ask for them, "+
		"by --retry-refused of run and submit, or --kind of retry\n", text.Count(s.FailedBefore, "job"), s.FailedBeforeCost)
}
