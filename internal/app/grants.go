package app

import (
	"context"
	"time"

	"nightshift/internal/admission"
	"nightshift/internal/batch"
	"nightshift/internal/job"
)

// endGrants gives back what Redis still holds for attempts of this batch that are not in
// flight: the process that held it is gone, or lost the job meanwhile. No
// job of the batch may have a record. What has a bill is settled: it was not over when
// this life of Redis began, or it would not be held.
func (f *folder) endGrants(ctx context.Context, a *admission.Admission, fold *batch.Fold, inFlight []batch.InFlight) error {
	grants, err := a.Live(ctx, f.batch)
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
			if billed, refunded, err = batch.Bill(ctx, f.bucket, f.batch, g.Ref.ID, g.Attempt.Attempt); err != nil {
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

// giveUp notes that attempts are over of which nobody can say any more what became of
// them: the simulator that they were sent to is gone, and what it took with it.
func (f *folder) giveUp(ctx context.Context, gone []batch.InFlight) error {
	for _, sent := range gone {
		err := f.attempts.Note(ctx, job.AttemptLine{
			Event: job.Ended, Job: sent.Job, Attempt: sent.Attempt, At: time.Now(), APIKey: sent.APIKey, Project: sent.Project, Team: sent.Team, Sent: sent.Intent,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// countSpend counts, in a life that has just begun, what the logs of all batches in the
// bucket say was spent, and what is held by those in flight. own are the caller's own
// batches, whose jobs it takes up, with what it has read of them: what ends meanwhile
// must not be counted twice.
func countSpend(ctx context.Context, a *admission.Admission, b objects, own map[string]*batch.Fold) error {
	batches, err := batchesOf(ctx, b)
	if err != nil {
		return err
	}
	for _, id := range batches {
		fold, taken := own[id]
		if !taken {
			if fold, err = batch.ReadFold(ctx, b, id); err != nil {
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
func holdInFlight(ctx context.Context, a *admission.Admission, id string, sent batch.InFlight) error {
	of := admission.Attempt{
		Ref: job.Ref{Batch: id, ID: sent.Job}, Attempt: sent.Attempt, In: admission.Account{APIKey: sent.APIKey, Project: sent.Project, Team: sent.Team},
	}
	if err := a.Adopt(ctx, of.Ref, of.Attempt, of.In, sent.Quoted, sent.Intent); err != nil {
		return err
	}
	return a.Free(ctx, of)
}
