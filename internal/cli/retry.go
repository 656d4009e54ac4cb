package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/config"
	"nightshift/internal/job"
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
	// replacePicked lets picked images of these rows, and what was picked of what is made of them,
	// be replaced.
	replacePicked bool
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
	if err == nil {
		err = notRetried(ctx, v, r, o)
	}
	if err != nil {
		return nil, err
	}
	folder := batch.NewFolder(v.Bucket, id)
	next, err := folder.PlanAgain(ctx, r.Submission, planned, batch.RetryRules{Kinds: o.kinds, PickedOnly: o.pickedOnly})
	if err != nil {
		return nil, err
	}
	price := price{batch: id, mode: next.Mode, jobs: next.ToRun(), images: next.Images, cost: next.Cost, budget: next.Rules.Budget}
	asking := submitOptions{json: o.json}
	err = price.agree(ctx, asking.asking(v.Process), o.yes)
	if err != nil || next.ToRun() == 0 {
		err = errors.Join(err, v.Bucket.Delete(ctx, next.Plan))
	} else {
		err = openSubmission(ctx, v.Bucket, next)
	}
	if err != nil {
		return nil, err
	}
	return placed(ctx, v, next)
}

// notRetried says why a batch cannot be retried; nil where it can.
func notRetried(ctx context.Context, v *view.View, r *view.BatchInfo, o retryOptions) error {
	switch {
	case r.Submission == nil:
		return &job.InputError{Err: &job.HintedError{
			Err: fmt.Errorf("batch %s was never submitted", r.Batch), Hint: "submit its manifest, or run it with enqueue run",
		}}
	case r.Submission.Local:
		makes := " makes what failed again; what is there is kept"
		if o.pickedOnly {
			makes = " makes what was picked; what is there is kept"
		}
		return &job.InputError{Err: &job.HintedError{
			Err:  fmt.Errorf("batch %s was run without a Redis server, so no worker would take it up", r.Batch),
			Hint: v.RunCommand(r.Submission) + makes,
		}}
	case r.Open:
		return &job.InputError{Err: &job.HintedError{
			Err: fmt.Errorf("batch %s: %w", r.Batch, errGoesOn),
			Hint: "what fails for a passing reason is tried again by itself; what has failed for good can be retried when the batch is over (enqueue watch " + view.Arg(ctx, v.Bucket, r.Batch) + "), " +
				"and what is wrong in the manifest corrected now: submit it again, edited",
		}}
	default:
		return nil
	}
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
