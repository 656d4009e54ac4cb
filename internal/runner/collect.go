package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

const (
	// repark is how long a collect task sleeps whose run has not ended yet.
	repark = time.Minute
	// A watcher that polled within this time is alive, so that its word is waited for.
	watcherAlive = 2 * time.Minute
	// maxAttempts bounds how often a run that failed for a passing fault is bought again.
	maxAttempts = 3
)

// Collect is the handler of collect tasks: it brings what a run made into the
// bucket. It may be woken too early and more than once.
func (r *Runner) Collect(ctx context.Context, ref job.Ref) error {
	rec, claimed, err := r.Store.Claim(ctx, ref, job.Storing)
	if err == nil && rec.State == job.Running {
		if err := r.askOnce(ctx, rec); err != nil {
			return err
		}
		rec, claimed, err = r.Store.Claim(ctx, ref, job.Storing)
	}
	if errors.Is(err, job.ErrRecordGone) {
		return nil
	}
	if err != nil {
		return err
	}
	if !claimed || rec.Outcome == nil {
		return &job.PostponedError{After: repark, Reason: job.WaitUnknown}
	}
	if rec.Outcome.Status == job.RunSucceeded {
		return r.store(ctx, rec)
	}
	return r.runFailed(ctx, rec)
}

// askOnce lets a job that woke by itself find out whether its run ended. While a
// watcher is alive it does not spend a request on that.
func (r *Runner) askOnce(ctx context.Context, rec *job.Record) error {
	polled, err := r.Store.LastPoll(ctx)
	if err != nil {
		return err
	}
	sleepOn := &job.PostponedError{After: repark, Reason: job.WaitParallel, Detail: "the inference runs"}
	if time.Since(polled) < watcherAlive {
		return sleepOn
	}
	run, err := r.pollOne(ctx, rec)
	if err != nil {
		// Whatever it is, the run is paid for: it is asked for again.
		return &job.PostponedError{After: repark, Reason: job.WaitBackoff, Detail: fmt.Sprintf("inference %s is not read: %v", rec.Inference, err)}
	}
	if run == nil || !run.Status.Ended() {
		return sleepOn
	}
	return r.ended(ctx, endedRun{rec, run})
}

// pollOne asks the provider for the run of a job; nil where it says nothing of it.
func (r *Runner) pollOne(ctx context.Context, rec *job.Record) (*job.Inference, error) {
	p, err := r.reader(rec.APIKey)
	if err != nil {
		return nil, err
	}
	told, err := p.Poll(ctx, []provider.Run{polled(rec)})
	if len(told) == 0 || told[0].Foreign { // a watcher finds out which is whose
		return nil, err
	}
	if told[0].Exact != "" { // who looks for it soon after would not be told again
		own := told[0]
		own.ID = told[0].Exact
		_, failed := r.exchange(ctx, rec, &own)
		return nil, errors.Join(err, failed)
	}
	return &told[0], nil
}

// endedRun is a job whose run is over.
type endedRun struct {
	rec *job.Record
	run *job.Inference
}

// ended notes that runs are over, wakes their collect tasks and gives their slots back.
func (r *Runner) ended(ctx context.Context, over ...endedRun) error {
	if len(over) == 0 {
		return nil
	}
	notes, records := make([]job.EndedRun, len(over)), make([]*job.Record, len(over))
	for i, o := range over {
		notes[i] = job.EndedRun{Ref: o.rec.Ref, Generation: o.rec.Generation, Outcome: job.OutcomeOf(o.run)}
		records[i] = o.rec
	}
	if err := r.Tasks.Collect(ctx, notes...); err != nil {
		return err
	}
	if err := r.Admission.Free(ctx, records); err != nil {
		return err
	}
	signal(r.freed)
	for _, o := range over {
		if o.run.Status == job.RunSucceeded {
			r.pace.observe(o.rec.Job.Model, o.run.UpdatedAt.Sub(o.run.CreatedAt))
		}
	}
	return nil
}

// runFailed ends the job, or buys the run again where the provider's fault may
// pass and the charge was given back.
func (r *Runner) runFailed(ctx context.Context, rec *job.Record) error {
	billed := charged(rec)
	refunded := job.CU(0)
	if !rec.Outcome.RefundDisabled {
		billed = chargedBefore(rec)
		refunded = billed
	}
	settle := func() error { return r.settle(ctx, rec, billed, refunded) }
	if rec.Outcome.Transient && !rec.Outcome.RefundDisabled && rec.Attempt-rec.Job.Before < maxAttempts {
		if err := r.noteEnded(ctx, rec, billed, refunded); err != nil {
			return err
		}
		if err := settle(); err != nil {
			return err
		}
		return r.again(ctx, rec, billed, refunded)
	}
	end := ending{
		state: job.Failed, kind: kindRejected, reason: rec.Outcome.Failure, hint: rec.Outcome.Hint,
		billed: billed, refunded: refunded,
	}
	switch {
	case rec.Outcome.Transient:
		end.kind = kindProvider
	case rec.Outcome.Status == job.RunNotFound: // it was paid, and may be found another time
		end.kind = kindStorage
	}
	if end.reason == "" {
		end.reason = "the provider ended the inference as " + string(rec.Outcome.Status) + " without a reason"
	}
	return r.conclude(ctx, rec, end, settle)
}

// noteEnded notes the bill of an attempt that no result tells, since the job goes on.
func (r *Runner) noteEnded(ctx context.Context, rec *job.Record, billed, refunded job.CU) error {
	return r.note(ctx, rec, job.AttemptLine{
		Event: job.Ended, Sent: rec.Intent, Billed: billed, Refunded: refunded, Inference: rec.Inference, Made: rec.Started,
	})
}

// again queues another attempt.
func (r *Runner) again(ctx context.Context, rec *job.Record, billed, refunded job.CU) error {
	r.Logger.WarnContext(ctx, "inference failed, trying again", r.attrs(rec, "inference_id", rec.Inference, "reason", rec.Outcome.Failure)...)
	next := job.Change{
		From: []job.State{job.Storing}, To: job.Queued, Forget: true,
		Attempt: rec.Attempt + 1, Generation: rec.Generation + 1,
		EarlierBilled: rec.EarlierBilled + billed, EarlierRefunded: rec.EarlierRefunded + refunded,
	}
	if taken, err := takenOver(r.Store.Change(ctx, rec, next)); taken || err != nil {
		return err
	}
	return r.Tasks.Enqueue(ctx, rec.Priority, next.Generation, rec.Ref)
}

// chargedBefore is what the provider took for a run before it gave it back. Then the run
// shows less: additions to its price are gone from it.
func chargedBefore(rec *job.Record) job.CU {
	if rec.Counted {
		return 0
	}
	return max(charged(rec), rec.Job.Quote)
}

// charged is what the provider took for the run; the quote while it does not say, or says
// what cannot be, and nothing where an earlier run of the batch counted it.
func charged(rec *job.Record) job.CU {
	switch {
	case rec.Counted:
		return 0
	case rec.Outcome.BilledKnown && !noBill(rec):
		return rec.Outcome.Billed
	default:
		return rec.Job.Quote
	}
}

// leastBill is which part of its quote, one in so many, a bill is at least. Prices drift by
// some percent; a record whose parts are missing, or that somebody has changed, shows less.
const leastBill = 2

// noBill reports whether what is shown as the bill of a run cannot be one. Caps would be
// passed by what it leaves out, and what is counted too high only makes them hold early.
func noBill(rec *job.Record) bool {
	shown, quote := rec.Outcome, rec.Job.Quote
	if !shown.BilledKnown || quote == 0 {
		return false
	}
	// Where a charge is kept, the bill is that of the whole run, too.
	return (shown.Status == job.RunSucceeded || shown.RefundDisabled) && shown.Billed < quote/leastBill
}
