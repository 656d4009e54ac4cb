package worker

import (
	"context"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/job"
	"nightshift/internal/runner"
)

// own tells the store which inferences belong to jobs that are over, as far back as
// a lost reply can be looked for: an equal job must not adopt one of them. Nor must
// the next attempt of a job adopt the one that failed before it. Replies
// that are lost from now on count, too: the look for them goes back to before now.
func (r *Recovery) own(ctx context.Context, left *batch.Unfinished) error {
	oldest, fetchedAgain := time.Now(), make(map[string]bool)
	for _, o := range left.Open {
		fetchedAgain[o.Inference] = true
		if o.Inference == "" && o.Intent.Before(oldest) {
			oldest = o.Intent
		}
	}
	for result, err := range r.Ended(ctx) {
		if err != nil {
			return err
		}
		if result.Inference == "" || fetchedAgain[result.Inference] || result.Recorded.Before(oldest.Add(-runner.PollBack)) {
			continue
		}
		if err := r.engine.queue.Own(ctx, result.Inference, result.Submitted); err != nil {
			return err
		}
	}
	for _, run := range left.Fold.Runs() {
		if fetchedAgain[run.Inference] {
			continue
		}
		if err := r.engine.queue.Own(ctx, run.Inference, run.Made); err != nil {
			return err
		}
	}
	return nil
}

// finished tells a new store of the jobs that ended in this run, so that they are
// not fed again.
func (r *Recovery) finished(ctx context.Context) error {
	for result, err := range r.endedInThisRun(ctx) {
		if err != nil {
			return err
		}
		ref := job.Ref{Batch: r.Batch, ID: result.Job}
		if err := r.engine.queue.Ended(ctx, ref, result.Index, result.State, len(result.Images)); err != nil {
			return err
		}
	}
	return nil
}
