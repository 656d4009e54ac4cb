package app

import (
	"context"
	"iter"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/progress"
	"nightshift/internal/runner"
)

// resume takes over what earlier processes left at the provider.
func (r *batchRun) resume(ctx context.Context, left *leftovers) error {
	if err := r.own(ctx, left); err != nil {
		return err
	}
	if len(left.open) == 0 {
		if r.engineRuns > 0 {
			return nil
		}
		return r.sent.Clear(ctx)
	}
	r.display.phase(progress.LookingUp)
	open, err := r.match(ctx, left)
	if err != nil {
		return err
	}
	if r.engineRuns == 0 {
		r.display.resumed(open)
	}
	return r.engine.runner.Resume(ctx, r.batch, r.priority(), left.authors, open)
}

// own tells the store which inferences belong to jobs that are over, as far back as
// a lost reply can be looked for: an equal job must not adopt one of them. Replies
// that are lost from now on count, too: the look for them goes back to before now.
func (r *batchRun) own(ctx context.Context, left *leftovers) error {
	oldest, fetchedAgain := time.Now(), make(map[string]bool)
	for _, o := range left.open {
		fetchedAgain[o.Inference] = true
		if o.Inference == "" && o.Intent.Before(oldest) {
			oldest = o.Intent
		}
	}
	for _, log := range []iter.Seq2[job.Result, error]{r.log.Failed(ctx), r.log.Succeeded(ctx)} {
		for result, err := range log {
			if err != nil {
				return err
			}
			if result.Inference == "" || fetchedAgain[result.Inference] || result.Recorded.Before(oldest.Add(-runner.LookBack)) {
				continue
			}
			if err := r.engine.store.Own(ctx, result.Inference, result.Submitted); err != nil {
				return err
			}
		}
	}
	return nil
}

// present reports whether the images of a result are there and still its own. An
// edited row may have replaced them, a person may have deleted them.
func (o *session) present(ctx context.Context, result *job.Result) bool {
	if len(result.Outputs) > 0 && strings.HasPrefix(result.Outputs[0], earlierFolder) {
		return false // it came home after its row was gone, under another name
	}
	for i, image := range result.Images {
		object, err := o.bucket.Stat(ctx, result.Key(o.batch, i))
		if err != nil || object.Metadata.Job != result.Job || object.Size != image.Bytes {
			return false
		}
	}
	return true
}

// kept streams the results whose images are there; the others are to be made, or
// fetched again where they are paid for.
func (o *session) kept(ctx context.Context) iter.Seq2[job.Result, error] {
	return func(yield func(job.Result, error) bool) {
		for result, err := range o.log.Succeeded(ctx) {
			if err == nil && !o.present(ctx, &result) {
				continue
			}
			if !yield(result, err) {
				return
			}
		}
	}
}
