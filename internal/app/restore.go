package app

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/admission"
	"nightshift/internal/job"
)

// restore brings Redis to where jobs may be granted: what was spent is counted, and
// what is still held by attempts of this batch that are over is given back or
// settled. Redis may be empty, may have been flushed a moment ago, or may be a
// server that has counted all the time. It must end before the plan is fed.
//
// The order matters. What is not in the bucket yet is exported first. Then the
// journal is put right by what was sent and what was recorded, because the journal
// is what the counts are made from. The new life is opened last, when all that
// runs is counted, so that no cap is passed in between.
func (r *batchRun) restore(ctx context.Context) error {
	if err := r.ownName(ctx); err != nil {
		return err
	}
	joined, err := r.gate.admission.Join(ctx)
	if err != nil {
		return err
	}
	if !joined {
		release, err := r.aloneRestoring(ctx)
		if err != nil {
			return err
		}
		defer release()
		if joined, err = r.gate.admission.Join(ctx); err != nil { // another run may just have done it
			return err
		}
	}
	if err := r.exporter().drain(ctx); err != nil {
		return err
	}
	left, err := r.leftovers(ctx)
	if err != nil {
		return err
	}
	r.attempts = left.attempts
	if err := r.sameWorld(ctx, left); err != nil {
		return err
	}
	if joined {
		err = r.endOrphans(ctx, left)
	} else {
		err = r.beginLife(ctx, left)
	}
	if err != nil {
		return err
	}
	if err := r.engine.wipe(ctx); err != nil {
		return err
	}
	if err := r.finished(ctx); err != nil {
		return err
	}
	if err := r.resume(ctx, left); err != nil || joined {
		return err
	}
	return r.gate.admission.Ready(ctx)
}

// restoreRest is the pause before restoring is tried again, with as much again drawn
// on top: two runs that do so at the same time take the life from each other.
const restoreRest = 500 * time.Millisecond

// awaitRedis returns when it is worth trying again to restore, which has failed with
// err: another run began a life at the same time, or Redis is away. Where it is
// something else, err comes back.
func (r *batchRun) awaitRedis(ctx context.Context, err error) error {
	if !redisFailed(err) {
		return err
	}
	r.logger.WarnContext(ctx, "state of Redis not restored, trying again", "err", err)
	for {
		timer := time.NewTimer(restoreRest + rand.N(restoreRest))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
		if _, err := r.gate.admission.Alive(ctx); err == nil {
			return nil
		}
	}
}

// redisFailed reports whether an error says that Redis is away, begins, or is in
// another life.
func redisFailed(err error) bool {
	_, unreached := errors.AsType[net.Error](err)
	return unreached || redis.IsLoadingError(err) || errors.Is(err, admission.ErrLost) || errors.Is(err, io.EOF)
}

// beginLife begins a new life of Redis and counts in it what the journals of all
// batches say.
func (r *batchRun) beginLife(ctx context.Context, left *leftovers) error {
	if err := r.mend(ctx, left); err != nil {
		return err
	}
	a := r.gate.admission
	if err := a.Begin(ctx); err != nil {
		return err
	}
	return countJournals(ctx, a, r.bucket, r.batch, r.gate.account)
}

// endOrphans settles or releases what Redis still holds for attempts of this batch
// that are over, or were never sent: the process that held it is gone.
func (r *batchRun) endOrphans(ctx context.Context, left *leftovers) error {
	orphans, err := r.orphans(ctx, left)
	if err != nil {
		return err
	}
	a := r.gate.admission
	for _, o := range orphans {
		ref, in := job.Ref{Batch: r.batch, ID: o.held.Job}, admission.Account{APIKey: o.held.APIKey, Project: o.held.Project, Team: o.held.Team}
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
	spend, err := r.journal.Spend(ctx)
	if err != nil {
		return err
	}
	return countEnded(ctx, a, r.batch, left, spend, r.gate.account)
}

// mend ends in the journal itself what Redis cannot end any more, and adds what it
// lost before it was exported.
func (r *batchRun) mend(ctx context.Context, left *leftovers) error {
	orphans, err := r.orphans(ctx, left)
	if err != nil {
		return err
	}
	spend, err := r.journal.Spend(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	m := mending{life: "mend-" + strconv.FormatInt(now.UnixMilli(), 36), at: now}
	for _, o := range orphans {
		m.end(o.held, o.result)
	}
	for _, missing := range left.ended {
		if spend.Settled(r.batch, missing.result.Job, missing.result.Attempts) || m.has(missing.result.Job, missing.result.Attempts) {
			continue
		}
		in := r.gate.account(missing.result.APIKey)
		m.end(job.Entry{
			Batch: r.batch, Job: missing.result.Job, Attempt: missing.result.Attempts,
			APIKey: in.APIKey, Project: in.Project, Team: in.Team, Charged: missing.sent,
		}, &missing.result)
	}
	return r.journal.Append(ctx, m.entries)
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

func (r *batchRun) orphans(ctx context.Context, left *leftovers) ([]orphan, error) {
	spend, err := r.journal.Spend(ctx)
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
func (r *batchRun) finished(ctx context.Context) error {
	for result, err := range r.endedInThisRun(ctx) {
		if err != nil {
			return err
		}
		ref := job.Ref{Batch: r.batch, ID: result.Job}
		if err := r.engine.store.Ended(ctx, ref, result.Index, result.State, len(result.Images)); err != nil {
			return err
		}
	}
	return nil
}
