package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/job"
)

// ending is how a job is over, for its result.
type ending struct {
	state    job.State
	kind     string // of failure
	reason   string
	hint     string
	images   []job.Image
	billed   job.CU
	refunded job.CU
}

// The kinds of failure as results name them.
const (
	kindInvalid  = job.KindInvalid
	kindRejected = job.KindRejected
	kindAccess   = job.KindAccess
	kindProvider = job.KindProvider
	kindStorage  = job.KindStorage
)

// failure describes a refused submission to a person.
func failure(cause error) ending {
	end := ending{state: job.Failed, kind: kindRejected, reason: cause.Error(), hint: job.Hint(cause)}
	if errors.Is(cause, job.ErrInvalid) {
		end.kind = kindInvalid
		end.hint = "correct the row in the manifest and run it again; only changed rows are paid for"
	}
	access, refused := errors.AsType[*job.AccessError](cause)
	if !refused {
		return end
	}
	end.kind = kindAccess
	end.hint = accessHint(cause, access)
	return end
}

// accessHint is what to do about a refusal.
func accessHint(err error, access *job.AccessError) string {
	if lacking, told := errors.AsType[*job.ScopeError](err); told {
		return "give the API key the missing scope " + lacking.Scope + ", or use a key of the same project that has it"
	}
	switch access.Access {
	case job.AccessPlan:
		return "the model needs plan " + access.RequiredPlan + "; choose another model or a key of a team on that plan"
	case job.AccessProject:
		return "correct the project of the API key"
	case job.AccessKey:
		return "give a valid key in its place"
	default:
		return "give the API key the missing scope, or use a key that has it"
	}
}

// fail ends a job whose submission was refused; nothing is reserved any more.
func (r *Runner) fail(ctx context.Context, rec *job.Record, end ending) error {
	return r.conclude(ctx, rec, end, func() error { return nil })
}

// conclude records how a job ended: first in the log, which is the record; then
// settles the money; then the working state may go. Each step can be repeated.
func (r *Runner) conclude(ctx context.Context, rec *job.Record, end ending, settle func() error) error {
	ctx, cancel := recording(ctx)
	defer cancel()
	result := r.resultOf(rec, end)
	if err := r.appendOnce(ctx, rec, result); err != nil {
		return fmt.Errorf("record result of job %s: %w", rec.Ref, err)
	}
	if err := settle(); err != nil {
		return fmt.Errorf("settle job %s: %w", rec.Ref, err)
	}
	if taken, err := takenOver(r.Store.Finish(ctx, rec, end.state, len(end.images))); taken || err != nil {
		return err
	}
	r.recorded.Delete(rec.Ref)
	signal(r.freed)
	signal(r.took)
	if end.state == job.Failed {
		r.Logger.WarnContext(ctx, "job failed", r.attrs(rec, "inference_id", rec.Inference, "reason", end.reason, "hint", end.hint)...)
	} else {
		r.Logger.InfoContext(ctx, "job stored", r.attrs(rec, "inference_id", rec.Inference, "cu", end.billed)...)
	}
	if r.Stored != nil {
		r.Stored(rec.Ref.Batch, result)
	}
	return nil
}

// appendOnce records a result, unless this process has done so and could not tell Redis.
func (r *Runner) appendOnce(ctx context.Context, rec *job.Record, result job.Result) error {
	if attempt, known := r.recorded.Load(rec.Ref); known && attempt == rec.Attempt {
		return nil
	}
	if err := r.Results(rec.Ref.Batch).Append(ctx, result); err != nil {
		return err
	}
	r.recorded.Store(rec.Ref, rec.Attempt)
	return nil
}

// settle lets the bill take the reservation's place. A bill above the quote is told.
func (r *Runner) settle(ctx context.Context, rec *job.Record, billed, refunded job.CU) error {
	if err := r.Admission.Settle(ctx, rec.Ref, rec.Attempt, rec.APIKey, billed, refunded); err != nil {
		return err
	}
	if billed > rec.Job.Quote && r.OverQuote != nil {
		r.OverQuote(rec.Ref, rec.Job.Row, rec.Job.Quote, billed)
	}
	return nil
}

func (r *Runner) resultOf(rec *job.Record, end ending) job.Result {
	result := job.Result{
		Job: rec.Ref.ID, Index: rec.Job.Index, Row: rec.Job.Row, State: end.state,
		Model: rec.Job.Model, Prompt: rec.Job.Prompt(), Inputs: rec.Job.Inputs,
		Variables: rec.Job.Variables, Seed: rec.Job.Seed(), Outputs: rec.Job.Outputs,
		Images: end.images, Inference: rec.Inference, APIKey: rec.APIKey, Attempts: rec.Attempt,
		Quoted: rec.Job.Quote, Billed: end.billed + rec.EarlierBilled, Refunded: end.refunded + rec.EarlierRefunded,
		Kind: end.kind, Reason: end.reason, Hint: end.hint,
		Submitted: rec.Intent, Recorded: time.Now(), Order: rec.Job.Order,
	}
	if end.kind == job.KindNeed {
		result.Attempts-- // this one was never made
	}
	if rec.Outcome == nil {
		return result // it never ran
	}
	result.Ended = rec.Outcome.Ended
	if !rec.Counted {
		project, team := r.APIKeys.Account(rec.APIKey)
		result.Charge = &job.Charge{Project: project, Team: team, Billed: end.billed, Refunded: end.refunded}
	}
	return result
}
