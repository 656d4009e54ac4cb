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
	plan      *plan.Plan
	engine    *engine
	display   *display
	thumbs    *thumbnailer
	stuck     chan error // what no waiting will mend
	questions *results.Questions
	again     string // the command that goes on from here
	// engineRuns counts the engines of this run; a Redis that lost its state costs one.
	engineRuns int
	attempts   map[job.ID]int // of jobs that earlier runs have tried

	mu sync.Mutex // guards engine and state once the keys file is watched
}

// run is the command run: plan, look for what is paid already, make the rest,
// report.
func run(ctx context.Context, p Process, s config.Settings, file string, o runOptions) (err error) {
	session, err := openSession(ctx, p, s, file, inFolder(o.out))
	if session != nil {
		defer func() { err = errors.Join(err, session.cleanup.run()) }()
	}
	if err != nil {
		return err
	}
	r := &batchRun{
		session: session, stuck: make(chan error, 1), again: again(file, o),
		questions: results.NewQuestions(session.bucket, session.batch),
	}
	r.display = newDisplay(r, p.Stdout, progress.StyleOf(p.Stdout, p.Environ, o.quiet, o.json))
	defer r.display.stop()
	r.gate.refused = func(apiKey string) {
		r.display.note("key " + apiKey + " is set aside: the API refused it or its secret")
	}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	stopWatching := r.watchKeys(ctx, p.Environ)
	defer stopWatching()
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
	if r.plan.ToRun() > 0 {
		if err := r.checkKeys(ctx); err != nil {
			return err
		}
	}
	r.display.planned()
	if _, err := r.bucket.Sweep(ctx, r.batch); err != nil {
		return err
	}
	if err := r.shareRedis(ctx); err != nil {
		return err
	}
	if err := writeQuotes(ctx, r.bucket, r.batch, r.priced); err != nil {
		return err
	}
	_, err = writePlan(ctx, r.bucket, r.batch+"/"+planName, r.plan)
	return err
}

// lock takes the batch's folder for this run alone.
func (r *batchRun) lock(ctx context.Context) error {
	unlock, err := r.bucket.Lock(ctx, r.batch+"/"+lockName)
	if err != nil {
		return &inputError{fmt.Errorf("batch %s: %w", r.manifest.Name, err)}
	}
	r.add("unlock batch", unlock)
	return nil
}

// work runs the jobs of the plan until all are over, ctx is done, or nothing can
// go on. When Redis loses its state it begins again from the bucket.
func (r *batchRun) work(ctx context.Context) (ending, error) {
	r.thumbs = newThumbnailer(ctx, r.bucket, r.logger)
	defer r.thumbs.stop()
	for {
		end, err := r.workOnce(ctx)
		if err != nil || end.outcome != redisLost {
			return end, err
		}
		if r.engineRuns > 0 {
			r.display.note("Redis lost its state; going on from what the folder and the provider know")
		}
	}
}

// workOnce is the work of one engine.
func (r *batchRun) workOnce(ctx context.Context) (end ending, err error) {
	r.use(newEngine(engineParts{
		redis: r.redis, pool: r.batch, settings: r.settings, logger: r.logger,
		runner: runner.Options{
			APIKeys: r.api.keys, Admission: r.gate, Images: images{r.bucket},
			Results:   func(string) runner.Results { return r.log },
			Sent:      func(string) runner.Sent { return r.sent },
			Questions: func(string) runner.Questions { return r.questions },
			Landed:    r.landed,
			Stuck:     r.reportStuck,
			Dearer:    r.dearer,
		},
	}))
	if err := r.open(ctx); err != nil {
		return ending{outcome: redisLost}, r.awaitRedis(ctx, err)
	}
	r.engineRuns++
	r.display.shows(r.engine)
	r.display.phase(progress.Running)
	if err := r.engine.start(ctx, r.settings); err != nil {
		return ending{}, err
	}
	exporting, stopExport := context.WithCancel(context.WithoutCancel(ctx))
	var exporter sync.WaitGroup
	exporter.Go(func() { r.exporter().run(exporting) })
	end = r.supervise(ctx)
	if end.outcome != results.Complete && end.outcome != redisLost {
		r.display.phase(progress.Stopping)
	}
	r.engine.stop()
	stopExport()
	exporter.Wait()
	if end.outcome == redisLost {
		return end, nil
	}
	ctx = context.WithoutCancel(ctx)
	if err := r.exporter().drain(ctx); err != nil {
		return end, err
	}
	if err := r.journal.Checkpoint(ctx); err != nil {
		return end, err
	}
	if err := r.writeState(ctx); err != nil {
		return end, err
	}
	return end, r.settle(ctx, &end)
}

// use makes an engine the one that does the work.
func (r *batchRun) use(e *engine) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.engine = e
}

// current is the engine that does the work; nil before the first.
func (r *batchRun) current() *engine {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.engine
}

// earlierKeys are where the keys of earlier runs worked; nil if there were none.
func (r *batchRun) earlierKeys() map[string]world {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state == nil {
		return nil
	}
	return r.state.Keys
}

func (r *batchRun) exporter() *exporter {
	return &exporter{admission: r.gate.admission, journal: r.journal, batch: r.batch, logger: r.logger}
}

// open takes up what earlier processes left, and notes in the folder with which keys
// jobs are or were sent.
func (r *batchRun) open(ctx context.Context) error {
	if err := r.restore(ctx); err != nil {
		return err
	}
	return r.writeState(ctx)
}

// writeState notes the keys of this run beside those of earlier ones.
func (r *batchRun) writeState(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := batchState{Batch: r.manifest.Name, Mode: r.manifest.Mode, Keys: r.api.keys.allWorlds(), Created: time.Now()}
	if r.state != nil {
		next.Created = r.state.Created
	}
	if r.engine != nil {
		for id, authors := range r.engine.runner.Authors() {
			w := next.Keys[id]
			w.Authors = authors
			next.Keys[id] = w
		}
	}
	if err := writeState(ctx, r.bucket, r.batch, &next); err != nil {
		return err
	}
	r.state = &next
	return nil
}

func (r *batchRun) priority() job.Priority { return job.Priority(r.manifest.Priority) }

// landed passes a recorded result on to those who show it.
func (r *batchRun) landed(batch string, result job.Result) {
	r.sent.Ended(result.Job, result.Attempts)
	r.display.landed(result)
	r.thumbs.landed(batch, result)
}

// dearer stops the batch when a bill is further above its quote than the manifest
// allows: the prices that the plan was agreed on no longer hold.
func (r *batchRun) dearer(_ job.Ref, row string, quote, billed job.CU) {
	if !r.manifest.MaxDrift.Dearer(quote, billed) {
		return
	}
	r.reportStuck(&job.HintedError{
		Err:  fmt.Errorf("row %s was billed %s CU and quoted %s, more than budget.drift of the manifest allows", row, billed, quote),
		Hint: "look at the prices with enqueue plan; to accept them, raise budget.drift and run again",
	})
}

func (r *batchRun) reportStuck(err error) {
	select {
	case r.stuck <- err:
	default: // one is enough to stop for
	}
}

// redisLost ends an engine, not the run: Redis is not in the life any more in which
// this process has counted.
const redisLost results.Outcome = "redis_lost"

// ending is how a run ended.
type ending struct {
	outcome results.Outcome
	err     error // why it was stopped
	hint    string
	open    openJobs
}
