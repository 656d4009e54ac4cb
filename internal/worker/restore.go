package worker

import (
	"context"
	"fmt"
	"strings"

	"nightshift/internal/batch"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/runner"
	"nightshift/internal/text"
)

// restoredBatch is a batch that a worker brings back into an empty Redis.
type restoredBatch struct {
	*knownBatch
	recovery *Recovery
	left     *batch.Unfinished
}

// restoreAll brings Redis to where jobs may be granted, from the bucket: what all
// batches have spent is counted, and what runs of open ones
// is recovered. A batch that cannot be read is counted like one of somebody else's.
func (w *Worker) restoreAll(ctx context.Context) error {
	if err := w.dropPools(ctx); err != nil {
		return err
	}
	batches, err := w.toRestore(ctx)
	if err != nil {
		return err
	}
	own := make(map[string]*batch.Fold)
	for id, b := range batches {
		own[id] = b.left.Fold
	}
	if err := w.admission.Begin(ctx); err != nil {
		return err
	}
	if err := batch.CountSpend(ctx, w.admission, w.Bucket, own); err != nil {
		return err
	}
	if err := w.rememberCeilings(ctx); err != nil {
		return err
	}
	if err := w.newEngines(ctx); err != nil {
		return err
	}
	for _, b := range batches {
		b.recovery.engine = b.lane.engine.Load()
		if err := w.restoreBatch(ctx, b); err != nil {
			return err
		}
	}
	return w.admission.Ready(ctx)
}

// rememberCeilings tells Redis what earlier epochs, or earlier runs, have learned of teams.
func (w *Worker) rememberCeilings(ctx context.Context) error {
	ceilings, err := batch.ReadCeilings(ctx, w.Bucket)
	if err != nil {
		return err
	}
	for _, l := range w.laneList() {
		l.limiter.Ceiling = func(team string) int { return ceilings.Of(l.mode, team) }
		if err := l.limiter.Remember(ctx); err != nil {
			return err
		}
	}
	return nil
}

// dropPools deletes the jobs of epochs that are over, before it is read what was sent.
// A handler that does not know yet that its epoch is over finds no record from then on,
// and cannot make the mark without which nothing is sent. What another process has
// begun to restore is left alone.
func (w *Worker) dropPools(ctx context.Context) error {
	pools, err := w.fleet.Pools(ctx)
	if err != nil {
		return err
	}
	begun, err := w.admission.Begun(ctx)
	if err != nil {
		return err
	}
	for _, pool := range pools {
		if begun != "" && strings.HasSuffix(pool, " "+begun) {
			continue
		}
		e := newEngine(engineParts{redis: w.Redis, prefix: w.Prefix, pool: pool, settings: w.settings, logger: w.Logger})
		if err := e.queue.Remove(ctx); err != nil {
			return err
		}
		if err := w.fleet.DropPool(ctx, pool); err != nil {
			return err
		}
	}
	return nil
}

// toRestore reads what the batches have left whose submissions have begun. One that has
// not started is recovered by its leader.
func (w *Worker) toRestore(ctx context.Context) (map[string]*restoredBatch, error) {
	batches := make(map[string]*restoredBatch)
	for _, id := range w.knownList() {
		b, err := w.restorable(ctx, w.known(id))
		switch {
		case err == nil && b != nil:
			batches[id] = b
		case err == nil:
		case job.Hint(err) == "" || passes(err):
			return nil, err
		default: // a person has to see to this one; the others go on
			w.note(id, err.Error())
			w.Logger.ErrorContext(ctx, "batch not recovered", "batch_id", id, "err", err, "hint", job.Hint(err))
		}
	}
	return batches, nil
}

// restorable is what a batch has left; nil if its submission has not begun.
func (w *Worker) restorable(ctx context.Context, held *knownBatch) (*restoredBatch, error) {
	begun, err := readStart(ctx, held)
	if err != nil || begun.Order != held.submission.ID {
		return nil, err
	}
	r, err := w.recoveryOf(ctx, held)
	if err != nil {
		return nil, err
	}
	r.since = begun.At
	if err := batch.Convert(ctx, w.Bucket, held.Batch); err != nil {
		return nil, err
	}
	left, err := r.Unfinished(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.CheckOrigin(ctx, left); err != nil {
		return nil, err
	}
	return &restoredBatch{knownBatch: held, recovery: r, left: left}, nil
}

func (w *Worker) restoreBatch(ctx context.Context, b *restoredBatch) error {
	if err := b.recovery.engine.queue.Begin(ctx, b.Batch, b.submission.ID); err != nil {
		return err
	}
	if err := b.recovery.finished(ctx); err != nil {
		return err
	}
	if err := b.recovery.recover(ctx, b.left); err != nil {
		return err
	}
	return w.fleet.SetFeed(ctx, b.Batch, w.feedOf(b.knownBatch))
}

// feedOf is the feed of a submission of which nothing was fed yet in this epoch.
func (w *Worker) feedOf(held *knownBatch) fleet.Feed {
	return fleet.Feed{Epoch: w.admission.Epoch(), Order: held.submission.ID, Lane: held.lane.name, Unfed: held.submission.Cost}
}

// recoveryOf is that of a batch of the fleet.
func (w *Worker) recoveryOf(ctx context.Context, held *knownBatch) (*Recovery, error) {
	state, err := batch.ReadState(ctx, w.Bucket, held.Batch)
	if err != nil {
		return nil, err
	}
	r := &Recovery{
		Folder: held.Folder, found: w.found, Name: held.submission.Name, Limiter: held.lane.limiter, Keys: held.lane.api.Keys, engine: held.lane.engine.Load(),
		plan: held.submission.Plan, places: held.submission.Jobs, priority: held.submission.Priority, order: held.submission.ID,
	}
	if state != nil {
		r.Before = state.Keys
		if held.lane.api.BuiltIn && batch.OnBuiltIn(state.Keys) {
			r.Gone = w.started
		}
	}
	return r, nil
}

// found tells what is taken over from earlier processes.
func (w *Worker) found(open []runner.Open) {
	var known, lost int
	var cu job.CU
	for _, o := range open {
		if o.Inference == "" {
			lost++
			continue
		}
		known++
		cu += o.Job.Quote
	}
	if known > 0 {
		w.Observer.tell(fmt.Sprintf("found %s of an earlier run, %s CU: paid already, collecting them", text.Count(known, "inference"), cu))
	}
	if lost > 0 {
		w.Observer.tell(fmt.Sprintf("%s of an earlier run had no answer: looking them up before anything is sent again", text.Count(lost, "submission")))
	}
}

func readStart(ctx context.Context, held *knownBatch) (batch.Started, error) {
	var b batch.Started
	_, err := batch.ReadJSON(ctx, held.Bucket, held.Batch+"/"+batch.StartedName, &b)
	return b, err
}
