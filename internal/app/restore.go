package app

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/admission"
	"nightshift/internal/progress"
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
	if err := r.ownName(ctx, leasesOf(r.redis)); err != nil {
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
	t := r.takeUp()
	left, err := t.leftovers(ctx)
	if err != nil {
		return err
	}
	r.attempts = left.attempts
	if err := t.sameWorld(ctx, left); err != nil {
		return err
	}
	if joined {
		err = t.endOrphans(ctx, left)
	} else {
		err = r.beginLife(ctx, t, left)
	}
	if err != nil {
		return err
	}
	if err := r.engine.wipe(ctx); err != nil {
		return err
	}
	if err := t.finished(ctx); err != nil {
		return err
	}
	if err := r.resume(ctx, t, left); err != nil || joined {
		return err
	}
	return r.gate.admission.Ready(ctx)
}

// takeUp is that of this run's batch.
func (r *batchRun) takeUp() *takeUp {
	t := &takeUp{
		folder: r.folder, name: r.manifest.Name, gate: r.gate, keys: r.api.keys, engine: r.engine,
		before: r.earlierKeys(), plan: r.batch + "/" + planName, places: r.plan.Jobs, priority: r.priority(),
	}
	if r.engineRuns > 0 {
		t.since = r.started
		return t
	}
	t.gone, t.found = r.api.builtIn && onBuiltIn(t.before), r.display.resumed
	return t
}

// resume takes over what earlier processes left at the provider. Where that is
// nothing, the list of what was sent begins anew.
func (r *batchRun) resume(ctx context.Context, t *takeUp, left *leftovers) error {
	found := len(left.open) // to resume takes them out
	if found > 0 {
		r.display.phase(progress.LookingUp)
	}
	if err := t.resume(ctx, left); err != nil || found > 0 || r.engineRuns > 0 {
		return err
	}
	return r.sent.Clear(ctx)
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
func (r *batchRun) beginLife(ctx context.Context, t *takeUp, left *leftovers) error {
	if err := t.mend(ctx, left); err != nil {
		return err
	}
	a := r.gate.admission
	if err := a.Begin(ctx); err != nil {
		return err
	}
	return countJournals(ctx, a, r.bucket, func(batch string) bool { return batch == r.batch }, r.gate.account)
}
