package cli

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/plan"
	"nightshift/internal/text"
	"nightshift/internal/view"
)

type retryOptions struct {
	json bool
	// kinds are the kinds of failure to run again; none: all, without what was refused for
	// its content and charged.
	kinds    []string
	rejected bool // the rows whose images are rejected are rolled again
	newSeeds bool // with other seeds; without them they would be made as they are
	// pickedOnly runs only what was picked since, and nothing that failed.
	pickedOnly bool
	yes        bool // the price is agreed to
}

// check refuses kinds of failure that there are none of.
func (o *retryOptions) check() error {
	for _, kind := range o.kinds {
		if !slices.Contains(job.FailureKinds, kind) {
			return &job.InputError{Err: &job.HintedError{
				Err: fmt.Errorf("--kind: %q is no kind of failure", kind), Hint: "name some of " + strings.Join(job.FailureKinds, ", "),
			}}
		}
	}
	return o.checkRoll()
}

// retry is the command retry: another submission of the same plan, in which what succeeded
// is kept and the rest runs again. With a manifest it is a submission.
func retry(ctx context.Context, p app.Process, s config.Settings, arg string, o retryOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.rejected {
		return roll(ctx, p, s, arg, o)
	}
	if info, err := os.Stat(arg); err == nil && info.Mode().IsRegular() {
		return submit(ctx, p, s, arg, submitOptions{json: o.json, yes: o.yes, retryRefused: slices.Contains(o.kinds, job.KindRejected)})
	}
	return view.With(ctx, p, s, func(v *view.View) error {
		batch, err := v.Find(ctx, arg)
		if err != nil {
			return err
		}
		result, err := retryBatch(ctx, v, batch, o)
		if err != nil {
			return err
		}
		if o.json {
			return text.WriteJSON(p.Stdout, result)
		}
		_, err = fmt.Fprint(p.Stdout, result.words())
		return err
	})
}

var errGoesOn = errors.New("it goes on")

// retry places another submission of the plan of a batch that is over.
func retryBatch(ctx context.Context, v *view.View, id string, o retryOptions) (*submission, error) {
	planned := time.Now().UTC()
	open, err := batch.OpenBatches(ctx, v.Bucket)
	if err != nil {
		return nil, err
	}
	r, err := view.ReadBatchInfo(ctx, v.Bucket, id, slices.Contains(open, id))
	switch {
	case err != nil:
		return nil, err
	case r.Submission == nil:
		return nil, &job.InputError{Err: &job.HintedError{
			Err: fmt.Errorf("batch %s was never submitted", id), Hint: "submit its manifest, or run it with enqueue run",
		}}
	case r.Submission.Local:
		makes := " makes what failed again; what is there is kept"
		if o.pickedOnly {
			makes = " makes what was picked; what is there is kept"
		}
		return nil, &job.InputError{Err: &job.HintedError{
			Err:  fmt.Errorf("batch %s was run without a Redis server, so no worker would take it up", id),
			Hint: v.RunCommand(r.Submission) + makes,
		}}
	case r.Open:
		return nil, &job.InputError{Err: &job.HintedError{
			Err: fmt.Errorf("batch %s: %w", id, errGoesOn),
			Hint: "what fails for a passing reason is tried again by itself; what has failed for good can be retried when the batch is over (enqueue watch " + view.Arg(ctx, v.Bucket, id) + "), " +
				"and what is wrong in the manifest corrected now: submit it again, edited",
		}}
	}
	left, err := findUnmade(ctx, v.Bucket, id, o)
	if err != nil {
		return nil, err
	}
	next := *r.Submission
	next.Revision, next.Planned, next.Plan = r.Submission.Revision+1, planned, batch.NewPlanKey(id)
	next.Kept, next.KeptImages, next.Images, next.Cost, next.NoneFits = 0, 0, 0, 0, false
	next.FailedBefore, next.FailedBeforeCost, next.RetryRefused = 0, 0, false
	next.Waiting, next.WaitingCost = 0, 0
	digest, err := writeJobs(ctx, v.Bucket, next.Plan, left.again(ctx, v.Bucket, r.Submission.Plan, &next))
	if err == nil {
		err = next.SetID(digest)
	}
	if toRun := r.Submission.ToRun(); toRun > 0 {
		next.Forecast = r.Submission.Forecast * float64(next.ToRun()) / float64(toRun)
	}
	if err == nil {
		err = affordable(ctx, v.Bucket, &next)
	}
	if err == nil {
		price := price{batch: id, mode: next.Mode, jobs: next.ToRun(), images: next.Images, cost: next.Cost, budget: next.Rules.Budget}
		asking := submitOptions{json: o.json}
		err = price.agree(ctx, asking.asking(v.Process), o.yes)
	}
	if err != nil || next.ToRun() == 0 {
		err = errors.Join(err, v.Bucket.Delete(ctx, next.Plan))
	} else {
		err = openSubmission(ctx, v.Bucket, &next)
	}
	if err != nil {
		return nil, err
	}
	return placed(ctx, v, &next)
}

// placed tells the workers of a submission, and makes the answer to the person.
func placed(ctx context.Context, v *view.View, next *batch.Submission) (*submission, error) {
	result := &submission{
		Type: submissionType, Batch: next.Batch, Outcome: submitted, Order: next.ID, Jobs: next.Jobs, Kept: next.Kept, Images: next.Images, Cost: next.Cost,
		FailedBefore: next.FailedBefore, FailedBeforeCost: next.FailedBeforeCost, Waiting: next.Waiting, WaitingCost: next.WaitingCost, Workers: -1, Folder: v.Bucket.Path(next.Batch), arg: view.Arg(ctx, v.Bucket, next.Batch),
	}
	result.Forecast = next.Forecast
	if next.ToRun() == 0 {
		result.Outcome, result.Order = nothingNew, ""
		return result, nil
	}
	if v.Fleet == nil {
		return result, nil
	}
	if err := v.Fleet.Announce(ctx); err != nil {
		v.Logger.WarnContext(ctx, "workers not told", "err", err)
		return result, nil
	}
	workers, err := v.Fleet.Workers(ctx)
	if err != nil {
		return nil, err
	}
	result.Workers = len(workers)
	return result, nil
}

// unmade tells which jobs have their images, and which are not to run again. Of each it
// remembers some bytes.
type unmade struct {
	seed maphash.Seed
	made map[uint64]struct{}
	// gone are the prices of jobs that succeeded and whose images are not there any more.
	gone  map[job.ID]job.CU
	kinds []string // of failures that run again
	// refused are jobs that were refused and charged, with what they cost so far.
	refused map[job.ID]job.CU
	failed  map[uint64]failedJob
	picks   *plan.Awaiting
	// pickedOnly leaves out what has failed: only what was picked meanwhile runs.
	pickedOnly bool
}

// failedJob is how a job failed last, and its price.
type failedJob struct {
	kind   string
	quoted job.CU
}

func findUnmade(ctx context.Context, b bucket.Objects, id string, o retryOptions) (*unmade, error) {
	u := &unmade{
		seed: maphash.MakeSeed(), made: make(map[uint64]struct{}), gone: make(map[job.ID]job.CU), kinds: o.kinds, failed: make(map[uint64]failedJob),
		pickedOnly: o.pickedOnly,
	}
	f := batch.NewFolder(b, id)
	picks, err := batch.ReadPicks(ctx, b, id)
	if err != nil {
		return nil, err
	}
	u.picks = plan.NewAwaiting(picks.Of)
	if u.refused, err = f.Refusals(ctx); err != nil {
		return nil, err
	}
	for result, err := range f.Log.Failed(ctx) {
		if err != nil {
			return nil, err
		}
		u.failed[u.hash(result.Job)] = failedJob{result.Kind, result.Quoted}
	}
	for result, err := range f.Log.Succeeded(ctx) {
		if err != nil {
			return nil, err
		}
		if f.Present(ctx, &result) {
			u.made[u.hash(result.Job)] = struct{}{}
		} else {
			u.gone[result.Job] = max(result.Quoted, u.gone[result.Job])
		}
	}
	return u, nil
}

func (u *unmade) hash(id job.ID) uint64 { return maphash.String(u.seed, string(id)) }

// again streams the jobs of a plan with their statuses as they are now, and counts
// them in the order.
func (u *unmade) again(ctx context.Context, b bucket.Objects, planKey string, o *batch.Submission) iter.Seq2[plan.PlannedJob, error] {
	return func(yield func(plan.PlannedJob, error) bool) {
		for planned, err := range batch.PlannedJobs(ctx, b, planKey) {
			if err == nil {
				err = u.update(&planned)
			}
			if err == nil {
				u.count(&planned, o)
			}
			if !yield(planned, err) || err != nil {
				return
			}
		}
	}
}

// writeJobs writes the jobs of a plan, one a line, and returns a digest of what they are.
func writeJobs(ctx context.Context, b bucket.Objects, key string, jobs iter.Seq2[plan.PlannedJob, error]) (digest string, err error) {
	content := sha256.New()
	reader, writer := io.Pipe()
	var writing sync.WaitGroup
	writing.Go(func() {
		buffered := bufio.NewWriterSize(writer, 64<<10)
		err := encodeJobs(buffered, jobs, content)
		if err == nil {
			err = buffered.Flush()
		}
		writer.CloseWithError(err)
	})
	defer writing.Wait()
	defer reader.Close() // ends the writer, should Put have given up
	if err := b.Put(ctx, key, reader); err != nil {
		return "", err
	}
	writing.Wait()
	return hex.EncodeToString(content.Sum(nil)), nil
}

// encodeJobs writes the jobs, and their ids, which name their content, to content.
func encodeJobs(w io.Writer, jobs iter.Seq2[plan.PlannedJob, error], content io.Writer) error {
	var line []byte
	for j, err := range jobs {
		if err != nil {
			return err
		}
		line = j.AppendLine(line[:0])
		if _, err := w.Write(line); err != nil {
			return err
		}
		if _, err := io.WriteString(content, string(j.ID)); err != nil {
			return err
		}
	}
	return nil
}

// count adds a job to the submission.
func (u *unmade) count(planned *plan.PlannedJob, o *batch.Submission) {
	cost, refused := u.refused[planned.ID]
	switch planned.Status {
	case plan.Kept:
		o.Kept++
		o.KeptImages += len(planned.Outputs)
	case plan.FailedBefore:
		o.FailedBefore++
		o.FailedBeforeCost += cost
	case plan.Waiting:
		o.Waiting++
		o.WaitingCost += planned.Quote
	case plan.New, plan.Changed:
		o.Images += len(planned.Outputs)
		o.Cost += planned.Quote
		o.RetryRefused = o.RetryRefused || refused
	}
}

// update says of a job whether it is made, or not wanted. One that did not run has no price
// in the plan; it gets that of its result.
func (u *unmade) update(planned *plan.PlannedJob) error {
	if _, made := u.made[u.hash(planned.ID)]; made {
		planned.Status, planned.Quote = plan.Kept, 0
		u.picks.Add(&planned.Job, false)
		return nil
	}
	quote, known := u.gone[planned.ID]
	failed, ended := u.failed[u.hash(planned.ID)]
	if !known && ended && !u.wanted(planned.ID, failed.kind) {
		planned.Status, planned.Quote = plan.FailedBefore, 0
		return nil
	}
	if planned.Status.Runs() || planned.Status == plan.Waiting {
		if planned.Status = plan.New; u.picks.Add(&planned.Job, true) {
			planned.Status = plan.Waiting
		}
		return nil
	}
	u.picks.Add(&planned.Job, false) // it did not wait when it ran before
	if !known && ended {
		quote, known = failed.quoted, true
	}
	if !known {
		return &job.InputError{Err: &job.HintedError{
			Err:  fmt.Errorf("row %s was made before, its images are gone, and its price is not known", planned.Row),
			Hint: "submit the manifest again; that asks for the price",
		}}
	}
	planned.Status, planned.Quote = plan.New, quote
	return nil
}

// wanted reports whether a job that failed in this way runs again.
func (u *unmade) wanted(id job.ID, kind string) bool {
	if u.pickedOnly {
		return false
	}
	_, refused := u.refused[id]
	if refused {
		kind = job.KindRejected
	}
	if len(u.kinds) == 0 {
		return !refused
	}
	return slices.Contains(u.kinds, kind)
}

// affordable refuses a submission that the batch's budget cannot cover.
func affordable(ctx context.Context, b bucket.Objects, o *batch.Submission) error {
	if o.Rules.Budget == nil || o.ToRun() == 0 {
		return nil
	}
	fold, err := batch.ReadFold(ctx, b, o.Batch)
	if err != nil {
		return err
	}
	held, billed, refunded := fold.Total()
	spent := held + billed - refunded
	if spent+o.Cost <= *o.Rules.Budget {
		return nil
	}
	return &job.InputError{Err: &job.HintedError{
		Err:  fmt.Errorf("the budget of batch %s is %s CU, %s are spent, and what is to run again costs %s", o.Batch, *o.Rules.Budget, spent, o.Cost),
		Hint: "raise budget.cu of the manifest and submit it",
	}}
}
