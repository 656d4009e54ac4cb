package app

import (
	"context"
	"time"

	"nightshift/internal/runner"
)

// resume takes over what earlier processes left at the provider.
func (t *takeUp) resume(ctx context.Context, left *leftovers) error {
	if err := t.own(ctx, left); err != nil || len(left.open) == 0 {
		return err
	}
	open, err := t.match(ctx, left)
	if err != nil {
		return err
	}
	for _, o := range open {
		o.Job.Order = t.order
	}
	if t.found != nil {
		t.found(open)
	}
	t.keys.learn(left.authors)
	return t.engine.runner.Resume(ctx, t.batch, t.priority, open)
}

// own tells the store which inferences belong to jobs that are over, as far back as
// a lost reply can be looked for: an equal job must not adopt one of them. Nor must
// the next attempt of a job adopt the one that failed before it. Replies
// that are lost from now on count, too: the look for them goes back to before now.
func (t *takeUp) own(ctx context.Context, left *leftovers) error {
	oldest, fetchedAgain := time.Now(), make(map[string]bool)
	for _, o := range left.open {
		fetchedAgain[o.Inference] = true
		if o.Inference == "" && o.Intent.Before(oldest) {
			oldest = o.Intent
		}
	}
	for result, err := range t.ended(ctx) {
		if err != nil {
			return err
		}
		if result.Inference == "" || fetchedAgain[result.Inference] || result.Recorded.Before(oldest.Add(-runner.LookBack)) {
			continue
		}
		if err := t.engine.queue.Own(ctx, result.Inference, result.Submitted); err != nil {
			return err
		}
	}
	for inference, made := range left.received {
		if fetchedAgain[inference] {
			continue
		}
		if err := t.engine.queue.Own(ctx, inference, made); err != nil {
			return err
		}
	}
	return nil
}
