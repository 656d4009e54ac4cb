package app

import (
	"context"
	"errors"
	"strconv"
	"time"

	"nightshift/internal/admission"
	"nightshift/internal/job"
)

// endOrphans settles or releases what Redis still holds for attempts of this batch
// that are over, or were never sent: the process that held it is gone.
func (t *takeUp) endOrphans(ctx context.Context, left *leftovers) error {
	orphans, err := t.orphans(ctx, left)
	if err != nil {
		return err
	}
	a := t.gate.admission
	for _, o := range orphans {
		ref, in := job.Ref{Batch: t.batch, ID: o.held.Job}, admission.Account{APIKey: o.held.APIKey, Project: o.held.Project, Team: o.held.Team}
		if o.result == nil {
			err = a.Release(ctx, ref, o.held.Attempt, in)
		} else if err = a.Settle(ctx, ref, o.held.Attempt, in, o.result.Billed, o.result.Refunded); errors.Is(err, admission.ErrNoGrant) {
			err = nil
		}
		if err != nil {
			return err
		}
	}
	// What this batch lost of its journal with the last life, another run may have
	// counted in this one, or not.
	spend, err := t.journal.Spend(ctx)
	if err != nil {
		return err
	}
	return countEnded(ctx, a, t.batch, left, spend, t.gate.account)
}

// mend ends in the journal itself what Redis cannot end any more, and adds what it
// lost before it was exported.
func (t *takeUp) mend(ctx context.Context, left *leftovers) error {
	orphans, err := t.orphans(ctx, left)
	if err != nil {
		return err
	}
	spend, err := t.journal.Spend(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	m := mending{life: "mend-" + strconv.FormatInt(now.UnixMilli(), 36), at: now}
	for _, o := range orphans {
		m.end(o.held, o.result)
	}
	for _, missing := range left.ended {
		if spend.Settled(t.batch, missing.result.Job, missing.result.Attempts) || m.has(missing.result.Job, missing.result.Attempts) {
			continue
		}
		in := t.gate.account(missing.result.APIKey)
		m.end(job.Entry{
			Batch: t.batch, Job: missing.result.Job, Attempt: missing.result.Attempts,
			APIKey: in.APIKey, Project: in.Project, Team: in.Team, Charged: missing.sent,
		}, &missing.result)
	}
	return t.journal.Append(ctx, m.entries)
}

// mending makes the entries that put a journal right.
type mending struct {
	life    string
	at      time.Time
	entries []job.Entry
}

func (m *mending) has(id job.ID, attempt int) bool {
	for _, e := range m.entries {
		if e.Job == id && e.Attempt == attempt {
			return true
		}
	}
	return false
}

// end adds the end of an attempt: its bill, or that nothing was spent.
func (m *mending) end(held job.Entry, result *job.Result) {
	held.Life, held.At = m.life, m.at.UTC()
	held.Place = strconv.FormatInt(m.at.UnixMilli(), 10) + "-" + strconv.Itoa(len(m.entries)+1)
	held.Event, held.Billed, held.Refunded = job.EntryRelease, 0, 0
	if result != nil {
		held.Event, held.Billed, held.Refunded = job.EntrySettle, result.Billed, result.Refunded
	}
	m.entries = append(m.entries, held)
}

// orphan is an attempt that holds CU by the journal and is over.
type orphan struct {
	held   job.Entry
	result *job.Result // nil if it was never sent, or certainly not accepted
}

func (t *takeUp) orphans(ctx context.Context, left *leftovers) ([]orphan, error) {
	spend, err := t.journal.Spend(ctx)
	if err != nil {
		return nil, err
	}
	var orphans []orphan
	for _, held := range spend.Open() {
		if open := left.open[held.Job]; open != nil && open.Attempt == held.Attempt && !open.Counted {
			continue
		}
		o := orphan{held: held}
		// An earlier attempt than the recorded one failed and was refunded.
		if ended, ok := left.ended[held.Job]; ok && ended.result.Attempts == held.Attempt {
			o.result = &ended.result
		}
		orphans = append(orphans, o)
	}
	return orphans, nil
}

// finished tells a new store of the jobs that ended in this run, so that they are
// not fed again.
func (t *takeUp) finished(ctx context.Context) error {
	for result, err := range t.endedInThisRun(ctx) {
		if err != nil {
			return err
		}
		ref := job.Ref{Batch: t.batch, ID: result.Job}
		if err := t.engine.queue.Ended(ctx, ref, result.Index, result.State, len(result.Images)); err != nil {
			return err
		}
	}
	return nil
}
