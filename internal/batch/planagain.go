package batch

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"slices"
	"strings"
	"time"

	"nightshift/internal/bucket"
	"nightshift/internal/job"
	"nightshift/internal/plan"
	"nightshift/internal/text"
)

// RetryRules say what of a batch that is over runs again.
type RetryRules struct {
	// Kinds are the kinds of failure that run again; none: all, without what was refused for
	// its content and charged.
	Kinds []string
	// PickedOnly leaves out what has failed: only what was picked meanwhile runs.
	PickedOnly bool
}

// PlanAgain writes another plan of the jobs of a submission, in which what is made is kept,
// and returns the submission that runs it. A budget that does not cover it, and
// a picked image that would be replaced, is a [job.InputError]. After an error no plan is
// left.
func (f *Folder) PlanAgain(ctx context.Context, last *Submission, planned time.Time, rules RetryRules) (*Submission, error) {
	u, err := f.unmade(ctx, rules)
	if err != nil {
		return nil, err
	}
	next := *last
	next.Revision, next.Planned, next.Plan = last.Revision+1, planned, NewPlanKey(f.Batch)
	next.Kept, next.KeptImages, next.Images, next.Cost, next.NoneFits = 0, 0, 0, 0, false
	next.FailedBefore, next.FailedBeforeCost, next.RetryRefused = 0, 0, false
	next.Waiting, next.WaitingCost = 0, 0
	digest, err := writePlan(ctx, f.Bucket, next.Plan, u.again(ctx, f.Bucket, last.Plan, &next))
	if err == nil {
		err = next.SetID(digest)
	}
	if toRun := last.ToRun(); toRun > 0 {
		next.Forecast = last.Forecast * float64(next.ToRun()) / float64(toRun)
	}
	if err == nil {
		err = u.keepsPicked(f.Batch)
	}
	if err == nil {
		err = f.checkBudget(ctx, &next)
	}
	if err != nil {
		return nil, errors.Join(err, f.Bucket.Delete(ctx, next.Plan))
	}
	return &next, nil
}

// unmade tells which jobs have their images, and which are not to run again. Of each it
// remembers some bytes.
type unmade struct {
	seed maphash.Seed
	made map[uint64]struct{}
	// gone are the prices of jobs that succeeded and whose images are not there any more.
	gone  map[job.ID]job.CU
	rules RetryRules
	// refused are jobs that were refused and charged, with what they cost so far.
	refused map[job.ID]job.CU
	failed  map[uint64]failedJob
	picks   *plan.Awaiting
	picked  map[string]job.ID // picked images that are there, by output
	// replaced are the rows whose jobs would replace picked images.
	replaced []string
}

// failedJob is how a job failed last, and its price.
type failedJob struct {
	kind   string
	quoted job.CU
}

func (f *Folder) unmade(ctx context.Context, rules RetryRules) (*unmade, error) {
	u := &unmade{
		seed: maphash.MakeSeed(), made: make(map[uint64]struct{}), gone: make(map[job.ID]job.CU), failed: make(map[uint64]failedJob), rules: rules,
	}
	picks, err := ReadPicks(ctx, f.Bucket, f.Batch)
	if err != nil {
		return nil, err
	}
	u.picks = plan.NewAwaiting(picks.Of)
	if u.picked, err = f.PickedOutputs(ctx, picks); err != nil {
		return nil, err
	}
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

// again streams the jobs of a plan with their statuses as they are now, and counts them into
// the submission.
func (u *unmade) again(ctx context.Context, b bucket.Objects, planKey string, next *Submission) iter.Seq2[plan.PlannedJob, error] {
	return func(yield func(plan.PlannedJob, error) bool) {
		for planned, err := range PlannedJobs(ctx, b, planKey) {
			if err == nil {
				err = u.update(&planned)
			}
			if err == nil {
				u.count(&planned, next)
			}
			if !yield(planned, err) || err != nil {
				return
			}
		}
	}
}

// count adds a job to the submission.
func (u *unmade) count(planned *plan.PlannedJob, next *Submission) {
	cost, refused := u.refused[planned.ID]
	switch planned.Status {
	case plan.Kept:
		next.Kept++
		next.KeptImages += len(planned.Outputs)
	case plan.FailedBefore:
		next.FailedBefore++
		next.FailedBeforeCost += cost
	case plan.Waiting:
		next.Waiting++
		next.WaitingCost += planned.Quote
	case plan.New, plan.Changed:
		u.noteReplaced(planned)
		next.Images += len(planned.Outputs)
		next.Cost += planned.Quote
		next.RetryRefused = next.RetryRefused || refused
	}
}

// noteReplaced notes the row of a job that is to run where it would replace a picked image.
func (u *unmade) noteReplaced(planned *plan.PlannedJob) {
	for _, output := range planned.Outputs {
		if by, picked := u.picked[output]; picked && by != planned.ID && !slices.Contains(u.replaced, planned.Row) {
			u.replaced = append(u.replaced, planned.Row)
		}
	}
}

// maxReplacedNamed is how many rows are named whose picked images would be replaced.
const maxReplacedNamed = 5

// keepsPicked refuses a plan that replaces picked images.
func (u *unmade) keepsPicked(batch string) error {
	if len(u.replaced) == 0 {
		return nil
	}
	named := strings.Join(u.replaced[:min(len(u.replaced), maxReplacedNamed)], ", ")
	return &job.InputError{Err: &job.HintedError{
		Err:  fmt.Errorf("batch %s: picked images of %s would be replaced: %s", batch, text.Count(len(u.replaced), "row"), named),
		Hint: "to lose them, submit the manifest with --replace-picked, or take back their marks with enqueue pick --clear",
	}}
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
		u.picks.Add(&planned.Job, false)
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
	if u.rules.PickedOnly {
		return false
	}
	_, refused := u.refused[id]
	if refused {
		kind = job.KindRejected
	}
	if len(u.rules.Kinds) == 0 {
		return !refused
	}
	return slices.Contains(u.rules.Kinds, kind)
}

// checkBudget refuses a submission that the batch's budget cannot cover.
func (f *Folder) checkBudget(ctx context.Context, next *Submission) error {
	if next.Rules.Budget == nil || next.ToRun() == 0 {
		return nil
	}
	fold, err := ReadFold(ctx, f.Bucket, f.Batch)
	if err != nil {
		return err
	}
	held, billed, refunded := fold.Total()
	spent := held + billed - refunded
	if spent+next.Cost <= *next.Rules.Budget {
		return nil
	}
	return &job.InputError{Err: &job.HintedError{
		Err:  fmt.Errorf("the budget of batch %s is %s CU, %s are spent, and what is to run again costs %s", f.Batch, *next.Rules.Budget, spent, next.Cost),
		Hint: "raise budget.cu of the manifest and submit it",
	}}
}
