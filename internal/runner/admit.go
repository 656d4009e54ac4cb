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

// admit blocks until admission grants what the job needs and it may be sent. A wait
// that is too long to stand for comes back as *job.PostponedError.
func (r *Runner) admit(ctx context.Context, rec *job.Record) error {
	after, err := r.reserve(ctx, rec)
	if err != nil || after == 0 {
		return err
	}
	if err := r.pause(ctx, after, nil); err != nil {
		ctx, cancel := recording(ctx)
		defer cancel()
		if _, failed := takenOver(r.giveBack(ctx, rec)); failed != nil {
			return errors.Join(err, failed)
		}
		return err
	}
	return nil
}

// reserve waits for a grant, one handler of the lane at a time, notes its API key in
// rec and returns how long it has to wait for its place in the request rate.
func (r *Runner) reserve(ctx context.Context, rec *job.Record) (after time.Duration, err error) {
	if err := r.turns.enter(ctx, rec.Ref.Batch, r.stopping); err != nil {
		return 0, err
	}
	defer r.turns.leave()
	deadline := time.Now().Add(longestStand)
	for {
		apiKey, after, err := r.Admission.Reserve(ctx, rec.Ref, rec.Attempt, rec.Job.Quote, rec.Avoid)
		if errors.Is(err, job.ErrOtherKey) {
			if err := r.giveBack(ctx, rec); err != nil {
				return 0, err
			}
			continue
		}
		postponed, waiting := errors.AsType[*job.PostponedError](err)
		if err != nil && !waiting {
			r.waits.begin(&job.PostponedError{Reason: job.WaitBackoff, Detail: err.Error()})
			return 0, err
		}
		if !waiting {
			r.granted(after)
			r.turns.served(rec.Ref.Batch)
			r.waits.refused(rec.Ref.Batch, nil)
			rec.APIKey = apiKey
			return after, nil
		}
		r.waits.begin(postponed)
		r.waits.refused(rec.Ref.Batch, postponed)
		if !standable(postponed.Reason) || time.Now().Add(postponed.After).After(deadline) {
			return 0, postponed
		}
		if err := r.pause(ctx, postponed.After, r.freed); err != nil {
			r.waits.end()
			return 0, err
		}
	}
}

// granted says that the lane goes on, or that it waits for its place in the rate.
func (r *Runner) granted(after time.Duration) {
	if after == 0 {
		r.waits.end()
		return
	}
	r.waits.begin(&job.PostponedError{After: after, Reason: job.WaitRequestRate})
}

// giveBack releases what a job holds that is not sent after all. Only who still has
// the job may do so: another handler may be about to send on the same grant.
func (r *Runner) giveBack(ctx context.Context, rec *job.Record) error {
	ours := job.Change{From: []job.State{job.Queued, job.Admitted}, To: job.Queued}
	if err := r.Store.Change(ctx, rec, ours); err != nil {
		return err
	}
	return r.Admission.Release(ctx, rec.Ref, rec.Attempt, rec.APIKey)
}

// standable reports whether a wait of this kind holds up every job of the lane
// alike. CU are not: behind a job that does not fit, a cheaper one may.
func standable(reason job.WaitReason) bool {
	switch reason {
	case job.WaitBatchCU, job.WaitKeyCU, job.WaitProjectCU, job.WaitTeamCU, job.WaitNoKey, job.WaitRecovery, job.WaitPaused, job.WaitWindow:
		return false
	default:
		return true
	}
}

// ask makes a read request to the provider, with a place in the request rate. When
// the provider refuses it for that rate all the same, admission is told and it is
// made again; a refused key is told, too, and comes back as the error.
func (r *Runner) ask(ctx context.Context, apiKey string, call func(context.Context, Provider) error) error {
	provider, err := r.APIKeys.Provider(apiKey)
	if err != nil {
		return err
	}
	for {
		if err := r.request(ctx, apiKey); err != nil {
			return err
		}
		err := call(ctx, provider)
		limit, limited := errors.AsType[*job.LimitError](err)
		access, refused := errors.AsType[*job.AccessError](err)
		if !limited && (!refused || access.Access != job.AccessKey) {
			return err
		}
		if _, failed := r.learn(ctx, apiKey, err); failed != nil {
			return errors.Join(err, failed)
		}
		if !limited || limit.Limit != job.LimitRate {
			return err
		}
	}
}

// request takes a place in the request rate for a read and waits for it.
func (r *Runner) request(ctx context.Context, apiKey string) error {
	for {
		err := r.Admission.Request(ctx, apiKey)
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
