package runner

import (
	"context"
	"errors"
	"slices"
	"time"

	"nightshift/internal/job"
)

// longestWait is how long a handler waits in place. Longer waits give the slot
// back and leave the time to the queue.
const longestWait = 10 * time.Second

const (
	// waitingFor is how long it is known that a job waits in place; it asks again sooner.
	waitingFor = 3 * time.Second
	// A job lets those of a higher priority go first, whichever process they are in: so
	// often, and so long each time. Then it asks, or it would never have its turn.
	yieldRest = 250 * time.Millisecond
	yieldMost = 8
)

// enter waits for the turn of a job, and while it waits says so.
func (r *Runner) enter(ctx context.Context, rec *job.Record) error {
	if r.turns.tryEnter() {
		return nil
	}
	if err := r.elsewhere.announce(ctx, rec.Priority); err != nil {
		return err
	}
	return r.turns.enter(ctx, rec.Ref.Batch, rank(rec.Priority), r.stopping)
}

// yield gives the turn up for a moment. After an error it is not back.
func (r *Runner) yield(ctx context.Context, rec *job.Record) error {
	r.turns.leave()
	if err := r.pause(ctx, yieldRest, nil); err != nil {
		return err
	}
	return r.enter(ctx, rec)
}

// rank is the place of a priority, the most pressing first.
func rank(priority job.Priority) int { return slices.Index(job.Priorities, priority) }

// admit blocks until admission grants what the job needs and it may be sent. A wait
// that is too long to stay for comes back as *job.PostponedError.
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
	if !r.turns.tryEnter() {
		// What was recovered, or taken over while it was granted, may hold the very grant that
		// all others wait for.
		held, err := r.Admission.Granted(ctx, rec.Ref, rec.Attempt)
		if err != nil {
			return 0, err
		}
		if held {
			granted, after, err := r.tryReserve(ctx, rec, time.Now())
			if _, waits := errors.AsType[*job.PostponedError](err); granted || err != nil && !waits {
				return after, err
			}
		}
		if err := r.enter(ctx, rec); err != nil {
			return 0, err
		}
	}
	deadline := time.Now().Add(longestWait)
	for yielded := 0; ; {
		aside := false
		if yielded < yieldMost {
			if aside, err = r.elsewhere.higher(ctx, rec.Priority); err != nil {
				break
			}
		}
		if aside {
			yielded++
			if err := r.yield(ctx, rec); err != nil {
				return 0, err // and the turn is not ours
			}
			continue
		}
		granted := false
		if granted, after, err = r.tryReserve(ctx, rec, deadline); granted || err != nil {
			break
		}
	}
	r.turns.leave()
	return after, err
}

// tryReserve asks admission once. Refused for something that holds up the whole lane, it
// waits until it is worth asking again, up to the deadline, and reports false.
func (r *Runner) tryReserve(ctx context.Context, rec *job.Record, deadline time.Time) (granted bool, after time.Duration, err error) {
	apiKey, after, err := r.Admission.Reserve(ctx, rec.Ref, rec.Attempt, rec.Job.Quote, rec.Avoid)
	postponed, waiting := errors.AsType[*job.PostponedError](err)
	switch {
	case errors.Is(err, job.ErrOtherKey):
		return false, 0, r.giveBack(ctx, rec)
	case err != nil && !waiting:
		r.waits.begin(&job.PostponedError{Reason: job.WaitBackoff, Detail: err.Error()})
		return false, 0, err
	case !waiting:
		r.granted(after)
		r.turns.served(rec.Ref.Batch)
		r.waits.refused(rec.Ref.Batch, nil)
		rec.APIKey = apiKey
		return true, after, nil
	}
	r.waits.begin(postponed)
	r.waits.refused(rec.Ref.Batch, postponed)
	if !blocksLane(postponed.Reason) {
		return false, 0, postponed
	}
	if err := r.elsewhere.announce(ctx, rec.Priority); err != nil {
		return false, 0, err
	}
	if time.Now().Add(postponed.After).After(deadline) {
		return false, 0, postponed
	}
	if err := r.pause(ctx, postponed.After, r.freed); err != nil {
		r.waits.end()
		return false, 0, err
	}
	return false, 0, nil
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
	ours := job.Change{From: []job.State{job.Queued}, To: job.Queued}
	if err := r.Store.Change(ctx, rec, ours); err != nil {
		return err
	}
	return r.Admission.Release(ctx, rec.Ref, rec.Attempt, rec.APIKey)
}

// blocksLane reports whether a wait of this kind holds up every job of the lane
// alike. CU are not: behind a job that does not fit, a cheaper one may.
func blocksLane(reason job.WaitReason) bool {
	switch reason {
	case "", job.WaitBatchCU, job.WaitKeyCU, job.WaitProjectCU, job.WaitTeamCU, job.WaitNoKey, job.WaitRecovery, job.WaitPaused, job.WaitWindow:
		return false
	default:
		return true
	}
}
