package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// Submit is the handler of submit tasks: it sends the paid request of a job, once.
func (r *Runner) Submit(ctx context.Context, ref job.Ref) error {
	rec, claimed, err := r.Store.Claim(ctx, ref, job.Queued, job.Sending)
	if errors.Is(err, job.ErrRecordGone) {
		return nil
	}
	if err != nil {
		return err
	}
	if !claimed {
		return nil // another process sends it, or its collect task goes on
	}
	if rec.State == job.Sending {
		return r.lost(ctx, rec, errors.New("what became of its request was not recorded"))
	}
	if rec.Job.NeedFailed != nil {
		return r.fail(ctx, rec, needFailed(rec.Job.NeedFailed))
	}
	if taken, err := takenOver(r.admitWithPictures(ctx, rec)); taken || err != nil {
		return err
	}
	placed := time.Now()
	p, err := r.provider(rec.APIKey)
	if err != nil {
		_, failed := takenOver(r.giveBack(ctx, rec))
		return errors.Join(err, failed)
	}
	sent, open := r.maySend(ref.Batch)
	if !open {
		if taken, err := takenOver(r.giveBack(ctx, rec)); taken {
			_, err := r.releaseWithdrawn(ctx, rec)
			return err
		} else if err != nil {
			return err
		}
		return &job.PostponedError{After: pausedRest, Reason: job.WaitPaused, Detail: "paused while it waited to be sent"}
	}
	defer sent()
	marked := time.Now()
	ready, err := r.prepare(ctx, rec)
	if err != nil || !ready {
		return err
	}
	signal(r.took)
	run, err := r.send(ctx, p, rec, placed, marked)
	if err == nil {
		r.answered(Accepted)
		return r.received(ctx, rec, run)
	}
	if unknown, ok := errors.AsType[*job.UnknownOutcomeError](err); ok {
		r.answered(ReplyIsLost)
		return r.lost(ctx, rec, unknown)
	}
	if r.assetIsThere(ctx, rec, err) {
		r.answered(ReplyIsLost)
		return r.lost(ctx, rec, fmt.Errorf("refused for a picture that is there: %w", err))
	}
	r.answered(TurnedAway)
	return r.refused(ctx, rec, err)
}

// placeKept is how old a place in the request rate may be. Admission counts with a second
// for a request's way; what a slow disk takes of it must not make it arrive in a minute
// that is full.
const placeKept = 500 * time.Millisecond

// send sends the request, in a place of the request rate that is of now. Nothing was sent
// where the error is not that of an unknown outcome.
func (r *Runner) send(ctx context.Context, p provider.Provider, rec *job.Record, placed, marked time.Time) (*job.Inference, error) {
	if time.Since(placed) > placeKept {
		if err := (requests{r, rec.APIKey}).Wait(ctx); err != nil {
			return nil, err
		}
	}
	return p.Submit(ctx, marked.Add(r.sendMargin()), rec.Job.Request())
}

// pausedRest is when a job asks again that was not sent because its batch was paused.
const pausedRest = time.Second

// maySend reports whether jobs of the batch are still to be sent. The time between the grant
// and its place in the request rate can be long.
func (r *Runner) maySend(batch string) (sent func(), open bool) {
	if r.Options.Sending == nil {
		return func() {}, true
	}
	return r.Options.Sending(batch)
}

// sendMargin is how old an intent may be when the request is sent. A process that stood
// still for longer may have lost the job to another, which looks for the request all
// through the grace time and then sends it again. Half of that time is left for the
// request's way to the provider and into its list.
func (r *Runner) sendMargin() time.Duration { return min(maxSendMargin, r.Grace/2) }

// prepare writes the intent where it outlives Redis, then makes the mark and parks the
// collect task with it. It reports false if somebody else took the job over in the
// meantime. The mark comes last: should Redis be emptied and restored while this goes on,
// then either the mark fails, or whoever restores finds the intent.
func (r *Runner) prepare(ctx context.Context, rec *job.Record) (bool, error) {
	intent := time.Now()
	if err := r.note(ctx, rec, job.AttemptLine{Event: job.Intended, Quoted: rec.Job.Quote, Spec: &rec.Job}); err != nil {
		return false, r.unsent(ctx, rec, err)
	}
	if err := r.Store.Send(ctx, rec, intent, rec.APIKey, r.pace.patience(rec.Job.Model)); err != nil {
		return false, r.notSent(ctx, rec, err)
	}
	return true, nil
}

// takenRest is when a job asks again that another handler took over while it was granted.
const takenRest = 250 * time.Millisecond

// notSent deals with a job that is granted and is not this handler's any more: what was
// intended is not sent. Who has the job has the grant, too, and may not know: it may wait
// for a slot behind all others, who wait for this one. So it asks again soon. Where the job
// was withdrawn, and nobody has it, the grant is given back.
func (r *Runner) notSent(ctx context.Context, rec *job.Record, cause error) error {
	if taken, err := takenOver(cause); !taken {
		return err // whether the mark was made is not known
	}
	ctx, cancel := recording(ctx)
	defer cancel()
	if err := r.note(ctx, rec, job.AttemptLine{Event: job.Refused}); err != nil {
		return err
	}
	if withdrawn, err := r.releaseWithdrawn(ctx, rec); withdrawn || err != nil {
		return err
	}
	return &job.PostponedError{After: takenRest, Reason: job.WaitBackoff, Detail: "another worker has taken the job over"}
}

// releaseWithdrawn gives back the grant of a job that is not this handler's any more, if it
// was withdrawn: nobody else has it then. Who has taken a job over has its grant, too.
func (r *Runner) releaseWithdrawn(ctx context.Context, rec *job.Record) (withdrawn bool, err error) {
	ctx, cancel := recording(ctx)
	defer cancel()
	if _, err := r.Store.Get(ctx, rec.Ref); !errors.Is(err, job.ErrRecordGone) {
		return false, err
	}
	return true, r.Admission.Release(ctx, rec.Ref, rec.Attempt, rec.APIKey)
}

// note writes to the log of attempts.
func (r *Runner) note(ctx context.Context, rec *job.Record, line job.AttemptLine) error {
	line.Job, line.Attempt, line.Fence, line.At = rec.Ref.ID, rec.Attempt, rec.Fence, time.Now()
	line.APIKey = rec.APIKey
	line.Project, line.Team = r.APIKeys.Account(rec.APIKey)
	return r.Attempts(rec.Ref.Batch).Note(ctx, line)
}

// unsent puts a job back whose intent could not be written; without it nothing
// may be sent.
func (r *Runner) unsent(ctx context.Context, rec *job.Record, cause error) error {
	ctx, cancel := recording(ctx)
	defer cancel()
	if job.Hint(cause) != "" && r.NeedsOperator != nil {
		r.NeedsOperator(rec.Ref.Batch, fmt.Errorf("submit job %s (%s): %w", rec.Ref, rec.Job.Row, cause))
	}
	if _, err := takenOver(r.giveBack(ctx, rec)); err != nil {
		return errors.Join(cause, err)
	}
	return cause
}

// takenOver tells the answers apart that mean "not yours any more" from failures.
func takenOver(err error) (bool, error) {
	if errors.Is(err, job.ErrFenced) || errors.Is(err, job.ErrState) || errors.Is(err, job.ErrRecordGone) {
		return true, nil
	}
	return false, err
}

// received deals with a run that the provider named, which may be over already.
func (r *Runner) received(ctx context.Context, rec *job.Record, run *job.Inference) error {
	// That it is over is believed of a receipt only if it holds the images: otherwise the run
	// itself is read.
	err := r.receipt(ctx, rec, run)
	if errors.Is(err, job.ErrOwned) {
		return r.lost(ctx, rec, fmt.Errorf("the receipt names inference %s: %w", run.ID, job.ErrOwned))
	}
	if err != nil || !run.Status.Ended() || len(run.Images) == 0 {
		return err
	}
	rec.Inference = run.ID
	if err := r.storeAtOnce(ctx, rec, run); err != nil {
		return err
	}
	return r.ended(ctx, endedRun{rec, run})
}

// receipt records the receipt. It is true whoever holds the job by now.
func (r *Runner) receipt(ctx context.Context, rec *job.Record, run *job.Inference) error {
	ctx, cancel := recording(ctx)
	defer cancel()
	r.outages.Store(0)
	_, err := takenOver(r.Store.Observe(ctx, rec.Ref, job.Change{
		From: []job.State{job.Sending, job.Unknown}, To: job.Running, Inference: run.ID, Started: started(run),
	}))
	if err != nil {
		return fmt.Errorf("record receipt of inference %s: %w", run.ID, err)
	}
	err = r.note(ctx, rec, job.AttemptLine{
		Event: job.Received, Inference: run.ID, ProviderKeyID: run.ProviderKeyID, Made: started(run),
	})
	if err != nil { // the intent is there, so that a later process looks it up
		r.Logger.WarnContext(ctx, "receipt not noted beside the results", r.attrs(rec, "inference_id", run.ID, "err", err)...)
	}
	r.Logger.InfoContext(ctx, "inference started", r.attrs(rec, "inference_id", run.ID)...)
	return nil
}

// started is when the provider made the run; the reply may leave it out.
func started(run *job.Inference) time.Time {
	if run.CreatedAt.IsZero() {
		return time.Now()
	}
	return run.CreatedAt
}

// lost leaves the job unknown. Its reservation stays, and the watcher looks it up.
func (r *Runner) lost(ctx context.Context, rec *job.Record, cause error) error {
	ctx, cancel := recording(ctx)
	defer cancel()
	unknown := job.Change{From: []job.State{job.Sending}, To: job.Unknown}
	if taken, err := takenOver(r.Store.Change(ctx, rec, unknown)); taken || err != nil {
		return err
	}
	r.Logger.WarnContext(ctx, "reply lost, looking the job up before anything is sent again", r.attrs(rec, "err", cause)...)
	return nil
}

func (r *Runner) attrs(rec *job.Record, more ...any) []any {
	return append([]any{"batch_id", rec.Ref.Batch, "job_id", string(rec.Ref.ID), "row", rec.Job.Row, "attempt", rec.Attempt, "api_key", rec.APIKey}, more...)
}
