package runner

import (
	"context"
	"errors"
	"time"

	"nightshift/internal/job"
)

// longestStand is how long a handler waits in place. Longer waits give the slot
// back and leave the time to the queue.
const longestStand = 10 * time.Second

// admit blocks until admission grants what the job needs. A wait that is too long
// to stand for comes back as *job.PostponedError.
func (r *Runner) admit(ctx context.Context, rec *job.Record) error {
	if err := r.enter(ctx); err != nil {
		return err
	}
	defer func() { <-r.gate }()
	deadline := time.Now().Add(longestStand)
	for {
		err := r.Admission.Reserve(ctx, rec.Ref, rec.Attempt, rec.Job.Quote)
		postponed, waiting := errors.AsType[*job.PostponedError](err)
		if !waiting {
			r.waits.end()
			return err
		}
		r.waits.begin(postponed)
		if !standable(postponed.Reason) || time.Now().Add(postponed.After).After(deadline) {
			return postponed
		}
		if err := r.pause(ctx, postponed.After, r.freed); err != nil {
			r.waits.end()
			return err
		}
	}
}

// standable reports whether a wait of this kind holds up every job of the lane
// alike. CU are not: behind a job that does not fit, a cheaper one may.
func standable(reason job.WaitReason) bool {
	return reason != job.WaitBatchCU && reason != job.WaitKeyCU
}

// enter waits for the lane's gate.
func (r *Runner) enter(ctx context.Context) error {
	select {
	case r.gate <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-r.stopping:
		return job.ErrInterrupted
	}
}

// ask makes a read request to the provider, with a place in the request rate. When
// the provider refuses it for that rate all the same, admission is told and it is
// made again; a refused key is told, too, and comes back as the error.
func (r *Runner) ask(ctx context.Context, call func(context.Context) error) error {
	for {
		if err := r.request(ctx); err != nil {
			return err
		}
		err := call(ctx)
		limit, limited := errors.AsType[*job.LimitError](err)
		access, refused := errors.AsType[*job.AccessError](err)
		if !limited && (!refused || access.Access != job.AccessKey) {
			return err
		}
		if _, failed := r.learn(ctx, err); failed != nil {
			return errors.Join(err, failed)
		}
		if !limited || limit.Limit != job.LimitRate {
			return err
		}
	}
}

// request takes a place in the request rate for a read and waits for it.
func (r *Runner) request(ctx context.Context) error {
	for {
		err := r.Admission.Request(ctx)
		postponed, waiting := errors.AsType[*job.PostponedError](err)
		if !waiting {
			return err
		}
		if err := sleep(ctx, postponed.After); err != nil {
			return err
		}
	}
}

// sleep waits for d, or returns ctx's cause.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
