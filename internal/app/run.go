package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/plan"
	"nightshift/internal/progress"
	"nightshift/internal/results"
	"nightshift/internal/runner"
)

type runOptions struct {
	out   string
	quiet bool
	json  bool
}

// batchRun is one run of a batch in this process.
type batchRun struct {
	*session
	plan    *plan.Plan
	engine  *engine
	display *display
	thumbs  *thumbnailer
	stuck   chan error // what no waiting will mend
	again   string     // the command that goes on from here
}

// run is the command run: plan, look for what is paid already, make the rest,
// report.
func run(ctx context.Context, p Process, s config.Settings, file string, o runOptions) (err error) {
	session, err := openSession(ctx, p.Stderr, s, file, o.out)
	if session != nil {
		defer func() { err = errors.Join(err, session.cleanup.run()) }()
	}
	if err != nil {
		return err
	}
	r := &batchRun{session: session, stuck: make(chan error, 1), again: again(file, o)}
	r.display = newDisplay(r, p.Stdout, progress.StyleOf(p.Stdout, p.Environ, o.quiet, o.json))
	defer r.display.stop()
	if err := r.prepare(ctx); err != nil {
		return err
	}
	end, err := r.work(ctx)
	if err != nil {
		return err
	}
	return r.finish(ctx, end)
}

// again is the command of this run as it would be typed.
func again(file string, o runOptions) string {
	command := "enqueue run "
	if o.out != "" {
		command += "--out " + quoted(o.out) + " "
	}
	return command + quoted(file)
}

// quoted quotes a name for a shell where it needs that.
func quoted(name string) string {
	if !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+,:@%", r)
	}) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// prepare makes the plan and takes the batch's folder. Nothing is written before
// the plan is known to be good.
func (r *batchRun) prepare(ctx context.Context) (err error) {
	r.display.phase(progress.Planning)
	seen := r.state != nil
	if seen {
		if err := r.lock(ctx); err != nil {
			return err
		}
	}
	if r.plan, err = r.session.plan(ctx, r.display.waiting); err != nil {
		return err
	}
	if !seen {
		if err := r.lock(ctx); err != nil {
			return err
		}
		if err := r.readState(ctx); err != nil {
			return err
		}
		if r.state != nil { // another run came and went in the meantime
			if r.plan, err = r.session.plan(ctx, r.display.waiting); err != nil {
				return err
			}
		}
	}
	r.display.planned()
	if _, err := r.bucket.Sweep(ctx, r.manifest.Name); err != nil {
		return err
	}
	return writePlan(ctx, r.bucket, r.plan)
}

// lock takes the batch's folder for this run alone.
func (r *batchRun) lock(ctx context.Context) error {
	unlock, err := r.bucket.Lock(ctx, r.manifest.Name+"/"+lockName)
	if err != nil {
		return &inputError{fmt.Errorf("batch %s: %w", r.manifest.Name, err)}
	}
	r.add("unlock batch", unlock)
	return nil
}

// work runs the jobs of the plan until all are over, ctx is done, or nothing can
// go on.
func (r *batchRun) work(ctx context.Context) (ending, error) {
	r.thumbs = newThumbnailer(ctx, r.bucket, r.manifest.Name, r.logger)
	defer r.thumbs.stop()
	r.engine = newEngine(engineParts{
		redis: r.redis, settings: r.settings, logger: r.logger,
		runner: runner.Options{
			Provider: r.api.client, Admission: r.gate, Images: images{r.bucket},
			Results: func(string) runner.Results { return r.log },
			Sent:    func(string) runner.Sent { return r.sent },
			Landed:  r.landed,
			Stuck:   r.reportStuck,
		},
	})
	if err := r.open(ctx); err != nil {
		return ending{}, err
	}
	r.display.phase(progress.Running)
	if err := r.engine.start(ctx, r.settings); err != nil {
		return ending{}, err
	}
	end := r.supervise(ctx)
	if end.outcome != results.Complete {
		r.display.phase(progress.Stopping)
	}
	r.engine.stop()
	return end, r.settle(context.WithoutCancel(ctx), &end)
}

// open takes up what earlier runs left, and notes in the folder where this one runs.
func (r *batchRun) open(ctx context.Context) error {
	spent, err := r.spent(ctx)
	if err != nil {
		return err
	}
	if err := r.gate.admission.Spend(ctx, r.gate.scopeOf(r.manifest.Name), spent, spent); err != nil {
		return err
	}
	if err := r.resume(ctx); err != nil {
		return err
	}
	next := batchState{
		Batch: r.manifest.Name, Mode: r.manifest.Mode, API: r.api.name, Project: r.settings.Project, Created: time.Now(),
	}
	if r.state != nil {
		next.Created = r.state.Created
	}
	r.state = &next
	return writeState(ctx, r.bucket, r.state)
}

func (r *batchRun) priority() job.Priority { return job.Priority(r.manifest.Priority) }

// landed passes a recorded result on to those who show it.
func (r *batchRun) landed(_ string, result job.Result) {
	r.display.landed(result)
	r.thumbs.landed(result)
}

func (r *batchRun) reportStuck(err error) {
	select {
	case r.stuck <- err:
	default: // one is enough to stop for
	}
}

// ending is how a run ended.
type ending struct {
	outcome results.Outcome
	err     error // why it was stopped
	hint    string
	open    openJobs
}

const superviseTick = 200 * time.Millisecond

// supervise feeds the plan and returns when the run is over, in one way or another.
func (r *batchRun) supervise(ctx context.Context) ending {
	feeding, stopFeeding := context.WithCancel(ctx)
	fed := make(chan error, 1)
	var feeder sync.WaitGroup
	defer feeder.Wait()
	defer stopFeeding()
	feeder.Go(func() {
		fed <- r.engine.runner.Feed(feeding, r.manifest.Name, r.priority(), jobsToRun(feeding, r.bucket, r.manifest.Name))
	})
	ticker := time.NewTicker(superviseTick)
	defer ticker.Stop()
	allFed, dead := false, newDeadEnd()
	for {
		select {
		case <-ctx.Done():
			return ending{outcome: results.Interrupted, err: context.Cause(ctx)}
		case err := <-r.stuck:
			return ending{outcome: results.Stopped, err: err, hint: job.Hint(err)}
		case err := <-fed:
			if err != nil && ctx.Err() == nil {
				return ending{outcome: results.Stopped, err: err}
			}
			allFed, fed = true, nil
		case <-ticker.C:
			counts, err := r.engine.store.Counts(ctx, r.manifest.Name)
			if err != nil {
				continue // the embedded Redis answers, or ctx is done
			}
			if allFed && counts.Live() == 0 {
				return ending{outcome: results.Complete}
			}
			if reason := dead.reached(counts, r.engine.runner.Waits()); reason != nil {
				return *reason
			}
		}
	}
}
