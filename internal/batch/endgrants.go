package batch

import (
	"context"
	"time"

	"nightshift/internal/admission"
	"nightshift/internal/bucket"
	"nightshift/internal/job"
)

// EndGrants gives back what Redis still holds for attempts of this batch that are not in
// flight: the process that held it is gone, or lost the job meanwhile. No
// job of the batch may have a record. What has a bill is settled: it was not over when
// this epoch of Redis began, or it would not be held.
func (f *Folder) EndGrants(ctx context.Context, a *admission.Admission, fold *Fold, inFlight []InFlight) error {
	grants, err := a.Live(ctx, f.Batch)
	if err != nil {
		return err
	}
	open := make(map[job.ID]int)
	for _, sent := range inFlight {
		open[sent.Job] = sent.Attempt
	}
	for _, g := range grants {
		if open[g.Ref.ID] == g.Attempt.Attempt {
			continue
		}
		var billed, refunded job.CU
		if g.Amount > 0 && fold.Over(g.Ref.ID, g.Attempt.Attempt) {
			if billed, refunded, err = Bill(ctx, f.Bucket, f.Batch, g.Ref.ID, g.Attempt.Attempt); err != nil {
				return err
			}
		}
		if billed > 0 {
			err = a.Settle(ctx, g.Ref, g.Attempt.Attempt, g.In, billed, refunded)
		} else {
			err = a.Release(ctx, g.Ref, g.Attempt.Attempt, g.In)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// GiveUp notes that attempts are over of which nobody can say any more what became of
// them: the simulator that they were sent to is gone, and what it took with it.
func (f *Folder) GiveUp(ctx context.Context, gone []InFlight) error {
	for _, sent := range gone {
		err := f.Attempts.Note(ctx, job.AttemptLine{
			Event: job.Ended, Job: sent.Job, Attempt: sent.Attempt, At: time.Now(), APIKey: sent.APIKey, Project: sent.Project, Team: sent.Team, Sent: sent.Intent,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// CountSpend counts, in an epoch that has just begun, what the logs of all batches in the
// bucket say was spent, and what is held by those in flight. own are the caller's own
// batches, whose jobs it recovers, with what it has read of them: what ends meanwhile
// must not be counted twice.
func CountSpend(ctx context.Context, a *admission.Admission, b bucket.Objects, own map[string]*Fold) error {
	batches, err := BatchesOf(ctx, b)
	if err != nil {
		return err
	}
	for _, id := range batches {
		fold, taken := own[id]
		if !taken {
			if fold, err = readSpending(ctx, b, id); err != nil {
				return err
			}
		}
		for _, s := range fold.Slices() {
			if err := a.Seed(ctx, admission.Account{APIKey: s.APIKey, Project: s.Project, Team: s.Team}, id, s.Quarter, s.CU); err != nil {
				return err
			}
		}
		if taken {
			continue
		}
		for _, sent := range fold.InFlight() {
			if err := holdInFlight(ctx, a, id, sent); err != nil {
				return err
			}
		}
	}
	return nil
}

// holdInFlight counts the CU of another batch's attempt, and no slot: whether it still
// runs is not known, and its batch takes the slot again when it is run.
func holdInFlight(ctx context.Context, a *admission.Admission, id string, sent InFlight) error {
	of := admission.Attempt{
		Ref: job.Ref{Batch: id, ID: sent.Job}, Attempt: sent.Attempt, In: admission.Account{APIKey: sent.APIKey, Project: sent.Project, Team: sent.Team},
	}
	if err := a.Adopt(ctx, of.Ref, of.Attempt, of.In, sent.Quoted, sent.Intent); err != nil {
		return err
	}
	return a.Free(ctx, of)
}
