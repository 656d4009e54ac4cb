package view

import (
	"context"
	"fmt"
	"slices"

	"nightshift/internal/batch"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/queue"
	"nightshift/internal/text"
)

// orphans are slots that a worker which is gone has taken for jobs that it did not send, by
// team. Nothing runs in them, and the others free them within seconds.
type orphans map[string]int

func (o orphans) total() int {
	sum := 0
	for _, n := range o {
		sum += n
	}
	return sum
}

// jobsOf is the queue of a batch in an epoch.
func (v *View) jobsOf(r *BatchInfo, epoch string) *queue.Queue {
	return queue.New(queue.Options{
		Redis: v.Redis, Prefix: v.Prefix, Pool: batch.LanePool(r.Submission.Lane(), epoch), Logger: v.Logger,
	})
}

// orphans finds the slots of the batch that no living worker holds, and nothing that runs.
// The error is Redis'.
func (v *View) orphans(ctx context.Context, r *BatchInfo, beats []fleet.Heartbeat) (orphans, error) {
	grants, err := v.admission.Live(ctx, r.Batch)
	if err != nil || len(grants) == 0 {
		return nil, err
	}
	epoch, err := v.admission.Begun(ctx)
	if err != nil {
		return nil, err
	}
	refs, teams := make([]job.Ref, len(grants)), make(map[job.Ref]string, len(grants))
	for i, grant := range grants {
		refs[i], teams[grant.Ref] = grant.Ref, grant.In.Team
	}
	records, err := v.jobsOf(r, epoch).Records(ctx, refs)
	if err != nil {
		return nil, err
	}
	lost := make(orphans)
	for _, rec := range records {
		if rec != nil && orphaned(rec, beats) {
			lost[teams[rec.Ref]]++
		}
	}
	return lost, nil
}

// readHolders finds out whether what Redis counts as running is what runs: slots that a
// killed worker took for nothing, and runs that nobody asks the provider about since it is
// gone, are not.
func (v *View) readHolders(ctx context.Context, r *BatchInfo, w *batchWork, beats []fleet.Heartbeat) (err error) {
	if w.Running > 0 || w.wait == job.WaitParallel { // what runs may be another batch's
		epoch, err := v.admission.Begun(ctx)
		if err != nil {
			return err
		}
		held, err := v.Fleet.Held(ctx, fleet.WatchLease(batch.LanePool(r.Submission.Lane(), epoch)))
		if err != nil {
			return err
		}
		w.unwatched = !held
	}
	if w.wait != job.WaitParallel {
		return nil
	}
	if w.orphans, err = v.orphans(ctx, r, beats); err != nil {
		return err
	}
	switch {
	case w.orphans.total() > 0:
		w.waitDetail = w.orphans.words()
	case w.unwatched:
		w.waitDetail = unwatchedWords
	}
	return nil
}

const unwatchedWords = "what runs is not known: the worker that asks the provider is gone; another does within seconds"

// orphaned reports whether a job waits for a worker that is gone: it claimed the job, and had
// not begun to send it.
func orphaned(rec *job.Record, beats []fleet.Heartbeat) bool {
	return rec.State == job.Queued && rec.Owner != "" &&
		!slices.ContainsFunc(beats, func(b fleet.Heartbeat) bool { return b.Owner == rec.Owner })
}

// words say what holds the slots.
func (o orphans) words() string {
	return fmt.Sprintf("a worker that is gone holds %s; the others free them within seconds", text.Count(o.total(), "slot"))
}
