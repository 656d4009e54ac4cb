package runner

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"nightshift/internal/backoff"
	"nightshift/internal/job"
)

const (
	// allowanceAgain is how long a key is left alone whose allowance is used up: a person may
	// have bought more. To be refused once more costs nothing.
	allowanceAgain = 10 * time.Minute
	// slotPoll is when to ask again for a slot; a freed slot wakes it earlier.
	slotPoll = 2 * time.Second
	// moveRest is the pause before a refused job is tried on another API key.
	moveRest = time.Second
	// rateRest is the pause after a refusal for the request rate that names no time.
	rateRest = 5 * time.Second
)

// refused deals with a submission that was certainly not accepted. What was
// reserved is given back, and what the refusal teaches is told to admission.
func (r *Runner) refused(ctx context.Context, rec *job.Record, cause error) error {
	ctx, cancel := recording(ctx)
	defer cancel()
	// Only while the job is ours and sending may its grant be given back: nobody
	// else reserves for it then.
	ours := job.Change{From: []job.State{job.Sending}, To: job.Sending}
	if taken, err := takenOver(r.Store.Change(ctx, rec, ours)); taken || err != nil {
		return err
	}
	if err := r.Admission.Release(ctx, rec.Ref, rec.Attempt, rec.APIKey); err != nil {
		return err
	}
	if err := r.note(ctx, rec, job.AttemptLine{Event: job.Refused}); err != nil {
		return err
	}
	wait, err := r.learn(ctx, rec.APIKey, cause)
	if err != nil {
		return err
	}
	back := job.Change{From: []job.State{job.Sending}, To: job.Queued}
	others := r.Admission.Others(append(slices.Clone(rec.Avoid), rec.APIKey))
	switch {
	case wait == nil && r.assetGone(rec, cause):
		wait = &job.PostponedError{After: moveRest, Reason: job.WaitUpload, Detail: "the provider does not have a picture any more, which is uploaded again"}
	case wait == nil && forbidden(cause) && others:
		back.Avoid = append(rec.Avoid, rec.APIKey)
		wait = &job.PostponedError{After: moveRest, Reason: job.WaitBackoff, Detail: "the job moves to another API key: " + cause.Error()}
	case wait == nil:
		return r.fail(ctx, rec, failure(cause))
	case others: // admission knows which of them is free, and until when the lane waits if none is
		wait.After = min(wait.After, moveRest)
	}
	if taken, err := takenOver(r.Store.Change(ctx, rec, back)); taken || err != nil {
		return err
	}
	r.waits.begin(wait)
	r.Logger.WarnContext(ctx, "submission refused, waiting", r.attrs(rec, "reason", string(wait.Reason), "err", cause)...)
	return wait
}

// forbidden reports whether the API key may not run the job, where another may.
func forbidden(cause error) bool {
	_, ok := errors.AsType[*job.AccessError](cause)
	return ok
}

// learn tells admission what a refusal says about the limits of an API key, and
// returns the wait that follows, or nil if the job must fail.
func (r *Runner) learn(ctx context.Context, apiKey string, cause error) (*job.PostponedError, error) {
	if limit, ok := errors.AsType[*job.LimitError](cause); ok {
		r.outages.Store(0)
		return r.learnLimit(ctx, apiKey, limit)
	}
	if access, ok := errors.AsType[*job.AccessError](cause); ok {
		if access.Access != job.AccessKey {
			return nil, nil
		}
		return r.Admission.Refuse(ctx, apiKey, access.Detail)
	}
	if errors.Is(cause, job.ErrInvalid) || isRejected(cause) {
		return nil, nil
	}
	// The provider was not reached. That is nobody's attempt, however long it lasts.
	return &job.PostponedError{After: r.outage(), Reason: job.WaitBackoff, Detail: cause.Error()}, nil
}

func (r *Runner) learnLimit(ctx context.Context, apiKey string, limit *job.LimitError) (*job.PostponedError, error) {
	switch limit.Limit {
	case job.LimitParallel:
		wait := &job.PostponedError{After: slotPoll, Reason: job.WaitParallel, Detail: ceiling(limit)}
		return wait, r.Admission.LearnCeiling(ctx, apiKey, limit.Ceiling)
	case job.LimitAllowance:
		wait := &job.PostponedError{After: allowanceAgain, Reason: job.WaitAllowance, NeedsOperator: true, Detail: limit.Error()}
		return wait, r.Admission.Hold(ctx, apiKey, wait.Reason, limit.Scope == job.ScopeTeam, wait.After)
	case job.LimitCooldown:
		wait := &job.PostponedError{After: limit.After, Reason: job.WaitCooldown, Detail: limit.Error()}
		return wait, r.Admission.Hold(ctx, apiKey, wait.Reason, false, wait.After)
	default:
		rest := max(limit.After, rateRest) + rand.N(rateRest)
		wait := &job.PostponedError{After: rest, Reason: job.WaitRequestRate, Detail: limit.Error()}
		return wait, r.Admission.Hold(ctx, apiKey, wait.Reason, false, wait.After)
	}
}

// ceiling puts the provider's refusal for too many runs into plain words.
func ceiling(limit *job.LimitError) string {
	if limit.Ceiling == 0 {
		return "the provider takes no more runs at the same time for now"
	}
	return fmt.Sprintf("the provider lets %d run at the same time", limit.Ceiling)
}

// outage is the growing, jittered delay while the provider cannot be reached.
func (r *Runner) outage() time.Duration {
	return backoff.Policy{First: 2 * time.Second, Longest: time.Minute}.After(int(r.outages.Add(1)))
}

func isRejected(err error) bool {
	_, ok := errors.AsType[*job.RejectedError](err)
	return ok
}
