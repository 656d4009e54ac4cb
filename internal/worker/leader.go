package worker

import (
	"context"
	"math/rand/v2"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/runner"
)

const (
	leaseTick = 2 * time.Second
	// leaderTick is how often a leader looks how its batch stands.
	leaderTick = 500 * time.Millisecond
)

// lead sees to a batch until it is closed, or ctx is
// done. Of all workers one does so at a time; the others stand by.
func (w *Worker) lead(ctx context.Context, id string) {
	for ctx.Err() == nil && w.known(id) != nil {
		lease, err := w.member.Hold(ctx, LeaderLease(id))
		if err == nil && lease != nil {
			err = w.leadHeld(ctx, id, lease)
		}
		if err != nil && ctx.Err() == nil {
			w.note(id, err.Error())
			w.Logger.WarnContext(ctx, "batch blocked, retrying", "batch_id", id, "err", err, "hint", job.Hint(err))
			if !passes(err) {
				w.Observer.isBlocked(batch.Blockage{Err: err, Hint: job.Hint(err)})
				w.noteBlockage(ctx, id, err)
			}
		}
		rest(ctx, leaseTick/2+rand.N(leaseTick)) // not all workers at the same time
	}
}

// LeaderLease names the lease of the worker that feeds a batch and ends it.
func LeaderLease(batch string) string { return "lead:" + batch }

// leadHeld works as the batch's leader while the lease is held.
func (w *Worker) leadHeld(ctx context.Context, batch string, lease *fleet.Lease) error {
	ctx, cancel := lease.While(ctx)
	defer cancel()
	w.leading(batch, true)
	defer w.leading(batch, false)
	defer dropLease(ctx, lease, w.Logger)
	s := &leader{Worker: w, batch: batch, lease: lease}
	for ctx.Err() == nil && w.known(batch) != nil {
		if err := s.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *Worker) leading(batch string, leads bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if leads {
		w.leads[batch] = true
		return
	}
	delete(w.leads, batch)
}

// leader is the worker that feeds a batch and ends it.
type leader struct {
	*Worker
	batch           string
	acknowledgement acknowledgement
	lease           *fleet.Lease
	sent            sentJobs

	blockedSince blockedFor
	others       runner.Waits // what the lane waits for in other workers, as they said last
	askedOthers  time.Time
}

// step brings the batch's submission on: it ends what a submission before has left, begins
// this one, or feeds it and waits for its end. It returns when something changed.
func (s *leader) step(ctx context.Context) error {
	held := s.known(s.batch)
	if held == nil || held.lane.engine.Load() == nil { // closed, or about to be started
		rest(ctx, leaderTick)
		return nil
	}
	open, err := batch.IsOpen(ctx, s.Bucket, s.batch)
	if err != nil {
		return err
	}
	if !open { // the leader before has just ended it, which this worker has not read yet
		rest(ctx, newsTick)
		return nil
	}
	feed, err := s.fleet.Feed(ctx, s.admission.Epoch(), s.batch)
	if err == nil {
		err = s.sameEpoch(ctx)
	}
	if err != nil {
		return err
	}
	if feed.Order != held.submission.ID {
		over, err := s.endEarlier(ctx, held, feed)
		if err != nil || !over {
			rest(ctx, leaderTick)
			return err
		}
		return s.start(ctx, held)
	}
	return s.work(ctx, held, feed)
}

// endEarlier withdraws what a submission before has queued, and reports whether nothing of
// it is under way any more.
func (s *leader) endEarlier(ctx context.Context, held *knownBatch, feed fleet.Feed) (over bool, err error) {
	l := held.lane
	if feed.Lane != "" && feed.Lane != l.name {
		if l, err = s.laneNamed(feed.Lane); err != nil {
			return false, err
		}
		if l.engine.Load() == nil {
			return false, nil // it is about to be started
		}
	}
	if err := s.withdraw(ctx, held, l); err != nil {
		return false, err
	}
	live, err := s.liveJobs(ctx, l)
	if err != nil || live > 0 || feed.Order == "" {
		return live == 0 && err == nil, err
	}
	return s.acknowledged(ctx, held)
}

// liveJobs are how many jobs of the batch a lane has. A Redis that was emptied has
// none, and so has one that is being restored: what it says counts only if it is still
// in the epoch in which this leader works.
func (s *leader) liveJobs(ctx context.Context, l *lane) (int, error) {
	counts, err := s.counts(ctx, l)
	return counts.Live(), err
}

// counts are the jobs of the batch in a lane by state; see liveJobs.
func (s *leader) counts(ctx context.Context, l *lane) (job.Counts, error) {
	counts, err := l.engine.Load().queue.Counts(ctx, s.batch)
	if err != nil {
		return counts, err
	}
	return counts, s.sameEpoch(ctx)
}

// sameEpoch returns errEpochOver if what was just read from Redis may be of another epoch
// than this worker's.
func (w *Worker) sameEpoch(ctx context.Context) error {
	alive, err := w.admission.Alive(ctx)
	if err == nil && !alive {
		return errEpochOver
	}
	return err
}

// start recovers what is in flight of the batch, and lets the submission begin. It can be
// repeated.
func (s *leader) start(ctx context.Context, held *knownBatch) error {
	if err := s.dropPools(ctx); err != nil { // a run beside the fleet may have begun the epoch, and knows of none
		return err
	}
	r, err := s.recoveryOf(ctx, held)
	if err != nil {
		return err
	}
	if err := batch.Convert(ctx, s.Bucket, s.batch); err != nil {
		return err
	}
	if _, err := s.Bucket.Sweep(ctx, s.batch); err != nil { // of killed processes; the end may be far
		return err
	}
	left, err := r.Unfinished(ctx)
	if err != nil {
		return err
	}
	if err := r.CheckOrigin(ctx, left); err != nil {
		return err
	}
	if err := r.EndGrants(ctx, s.admission, left.Fold, left.Sent); err != nil {
		return err
	}
	if err := s.lease.Sure(ctx); err != nil {
		return err
	}
	if err := r.engine.queue.Begin(ctx, s.batch, held.submission.ID); err != nil {
		return err
	}
	if err := s.noteKeys(ctx, held, nil); err != nil {
		return err
	}
	if err := s.beginLog(ctx, held, left.Fold); err != nil {
		return err
	}
	if r.since, err = s.recordStart(ctx, held); err != nil {
		return err
	}
	if err := r.finished(ctx); err != nil {
		return err
	}
	found := len(left.Open) // to recover takes them out
	if err := r.recover(ctx, left); err != nil {
		return err
	}
	s.Logger.InfoContext(ctx, "submission starts", "batch_id", s.batch, "submission", held.submission.ID, "jobs", held.submission.ToRun(), "found", found)
	if err := s.fleet.SetFeed(ctx, s.batch, s.feedOf(held)); err != nil {
		return err
	}
	s.noteStarted(held)
	return s.fleet.Announce(ctx)
}

// recordStart notes that the submission begins now, and returns when it began: earlier, where
// a leader before has noted that. What has ended since is of this submission.
func (s *leader) recordStart(ctx context.Context, held *knownBatch) (time.Time, error) {
	before, err := readStart(ctx, held)
	if err != nil || before.Order == held.submission.ID {
		return before.At, err
	}
	if before.Plan != "" && before.Plan != held.submission.Plan {
		if err := s.Bucket.Delete(ctx, before.Plan); err != nil {
			return time.Time{}, err
		}
	}
	start := batch.Started{Order: held.submission.ID, Plan: held.submission.Plan, At: time.Now().UTC()}
	done, err := s.done(ctx, held, start.At)
	if err != nil {
		return time.Time{}, err
	}
	if err := s.found(ctx, held, done, &start); err != nil {
		return time.Time{}, err
	}
	return start.At, batch.WriteJSON(ctx, s.Bucket, s.batch+"/"+batch.StartedName, start)
}
