package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/job"
)

// Open is a paid request of an earlier process whose end is not recorded.
type Open struct {
	Job     *job.Job
	Attempt int
	APIKey  string    // the id of the API key it was sent with
	Intent  time.Time // when it was about to be sent
	// Inference is the provider's id of the run and Made when it made it; empty
	// where the answer was lost.
	Inference string
	Made      time.Time
	// Counted says that its price is in the results log already: only its images
	// are missing.
	Counted bool
}

// Resume takes over what an earlier process sent, when Redis is empty: a run whose
// id is known is watched and collected, a request without an answer is looked up
// like any lost one. It must end before the plan is fed.
func (r *Runner) Resume(ctx context.Context, batch string, priority job.Priority, open []Open) error {
	for _, o := range open {
		ref := job.Ref{Batch: batch, ID: o.Job.ID}
		if err := r.takeUp(ctx, ref, priority, o); err != nil {
			return fmt.Errorf("take up job %s of an earlier run: %w", ref, err)
		}
	}
	return nil
}

func (r *Runner) takeUp(ctx context.Context, ref job.Ref, priority job.Priority, o Open) error {
	states, err := r.Store.Add(ctx, ref.Batch, priority, o.Job)
	if err != nil || states[0] == "" {
		return err
	}
	amount := o.Job.Quote
	if o.Counted {
		amount = 0
	}
	if err := r.Admission.Adopt(ctx, ref, o.Attempt, amount, o.APIKey, o.Intent); err != nil {
		return err
	}
	if err := r.Tasks.Park(ctx, ref, 1, r.pace.patience(o.Job.Model)); err != nil {
		return err
	}
	change := job.Change{
		From: []job.State{job.Queued}, To: job.Unknown, Attempt: o.Attempt, APIKey: o.APIKey, Intent: o.Intent, Counted: o.Counted,
	}
	if o.Inference != "" {
		change.To, change.Inference, change.Started = job.Running, o.Inference, o.Made
	}
	_, err = takenOver(r.Store.Observe(ctx, ref, change))
	if errors.Is(err, job.ErrOwned) {
		return r.takeUpLost(ctx, ref, change)
	}
	return err
}

// takeUpLost takes a job up whose line in the log names an inference that is another job's:
// which one is its own is looked up as if its answer had been lost. Whether the other one is
// rightly the other's is seen by the inputs that it shows.
func (r *Runner) takeUpLost(ctx context.Context, ref job.Ref, change job.Change) error {
	r.Logger.WarnContext(ctx, "log of attempts names one inference for two jobs, looking up this one's",
		"batch_id", ref.Batch, "job_id", string(ref.ID), "inference_id", change.Inference)
	change.To, change.Inference, change.Started = job.Unknown, "", time.Time{}
	_, err := takenOver(r.Store.Observe(ctx, ref, change))
	return err
}
