package app

import (
	"context"
	"slices"

	"nightshift/internal/admission"
	"nightshift/internal/job"
	"nightshift/internal/results"
)

// accounts says what jobs of an API key are counted in.
type accounts func(apiKey string) admission.Account

// countJournals counts what the journals of all batches in the bucket say, in a
// life that has just begun, and what they do not say yet: a run that goes on has
// lost the last second of its journal with Redis. Reservations of the caller's own
// batches are left out: they are taken up with their jobs.
func countJournals(ctx context.Context, a *admission.Admission, b objects, own func(batch string) bool, in accounts) error {
	batches, err := batchesOf(ctx, b)
	if err != nil {
		return err
	}
	for _, batch := range batches {
		spend, err := results.NewJournal(b, batch).Spend(ctx)
		if err != nil {
			return err
		}
		for _, s := range spend.Slices() {
			account := admission.Account{APIKey: s.APIKey, Project: s.Project, Team: s.Team}
			if err := a.Seed(ctx, account, s.Batch, s.Quarter, s.CU); err != nil {
				return err
			}
		}
		if own(batch) {
			continue
		}
		if err := countUnderWay(ctx, a, b, batch, spend, in); err != nil {
			return err
		}
	}
	return nil
}

// countUnderWay counts what another batch has reserved, and what it has sent since
// the last entry of its journal.
func countUnderWay(ctx context.Context, a *admission.Admission, b objects, batch string, spend *job.Spend, in accounts) error {
	held := spend.Open()
	for _, e := range held {
		if err := holdOpen(ctx, a, e); err != nil {
			return err
		}
	}
	left, err := sentBy(ctx, b, batch)
	if err != nil {
		return err
	}
	for id, open := range left.open {
		known := slices.ContainsFunc(held, func(e job.Entry) bool { return e.Job == id && e.Attempt == open.Attempt })
		if known || spend.Settled(batch, id, open.Attempt) {
			continue
		}
		account := in(open.APIKey)
		err := holdOpen(ctx, a, job.Entry{
			Batch: batch, Job: id, Attempt: open.Attempt, APIKey: account.APIKey, Project: account.Project, Team: account.Team,
			Reserved: open.Job.Quote, Charged: open.Intent,
		})
		if err != nil {
			return err
		}
	}
	return countEnded(ctx, a, batch, left, spend, in)
}

// holdOpen counts the CU of another batch's attempt, and no slot: whether it still
// runs is not known, and its batch takes the slot again when it is run.
func holdOpen(ctx context.Context, a *admission.Admission, e job.Entry) error {
	ref, in := job.Ref{Batch: e.Batch, ID: e.Job}, admission.Account{APIKey: e.APIKey, Project: e.Project, Team: e.Team}
	if err := a.Adopt(ctx, ref, e.Attempt, in, e.Reserved, e.Charged); err != nil {
		return err
	}
	return a.Free(ctx, admission.Attempt{Ref: ref, Attempt: e.Attempt, In: in})
}

// countEnded counts the bills of attempts whose result is recorded and whose journal
// lacks them. It names the attempts, so that a bill counts once whoever brings it:
// the run that begins the life, the batch's own, or both.
func countEnded(ctx context.Context, a *admission.Admission, batch string, left *leftovers, spend *job.Spend, in accounts) error {
	for id, ended := range left.ended {
		result := &ended.result
		if spend.Settled(batch, id, result.Attempts) {
			continue
		}
		ref, account := job.Ref{Batch: batch, ID: id}, in(result.APIKey)
		if err := a.Adopt(ctx, ref, result.Attempts, account, result.Billed, ended.sent); err != nil {
			return err
		}
		if err := a.Settle(ctx, ref, result.Attempts, account, result.Billed, result.Refunded); err != nil {
			return err
		}
	}
	return nil
}

// sentBy reads what a batch has sent, and what of it has a result. A batch that has
// nothing under way costs no look at its log.
func sentBy(ctx context.Context, b objects, batch string) (*leftovers, error) {
	left := newLeftovers()
	f := newFolder(b, batch)
	if empty, err := f.nothingSent(ctx); err != nil || empty {
		return left, err
	}
	over := make(outcomes)
	for result, err := range f.ended(ctx) {
		if err != nil {
			return nil, err
		}
		over.note(&result)
	}
	return left, left.read(ctx, &f, over)
}

// nothingSent reports whether the batch's list of what was sent is empty.
func (f *folder) nothingSent(ctx context.Context) (bool, error) {
	for _, err := range f.sent.All(ctx) {
		return false, err
	}
	return true, nil
}
