package worker

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/plan"
	"nightshift/internal/report"
)

const (
	// clocksApart is how far the clocks of two machines of a fleet may be apart.
	clocksApart = 10 * time.Minute
)

// work feeds a submission, and ends it when all its jobs are over.
// It returns when the submission is over or another one is wanted.
func (s *leader) work(ctx context.Context, held *knownBatch, feed fleet.Feed) error {
	if held.control.State == batch.ControlCancel { // also where its plan cannot be read
		return s.cancel(ctx, held)
	}
	working, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer stop()
	fed := make(chan error, 1)
	if feed.All {
		fed <- nil
	} else {
		beside.Go(func() { fed <- s.feed(working, held, feed) })
	}
	ticker := time.NewTicker(leaderTick)
	defer ticker.Stop()
	allFed := false
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-fed:
			if err != nil {
				return err
			}
			allFed, fed = true, nil
			continue
		case <-ticker.C:
		}
		now := s.known(s.batch)
		if now == nil || now.submission.ID != held.submission.ID {
			return nil
		}
		if now.control.State == batch.ControlCancel {
			stop()
			return s.cancel(ctx, now)
		}
		counts, err := s.counts(ctx, now.lane)
		if errors.Is(err, errEpochOver) {
			return err
		}
		if err != nil {
			continue // Redis is away, and everything waits for it
		}
		if err := s.noteSent(ctx, counts); err != nil {
			return err
		}
		if allFed && counts.Live() == 0 {
			stop()
			return s.finish(ctx, now, Ending{Outcome: report.Complete})
		}
		if err := s.noteBlocked(ctx, now, counts); err != nil {
			return err
		}
	}
}

// feed gives the jobs of the plan to the lane, from where it was left.
func (s *leader) feed(ctx context.Context, held *knownBatch, feed fleet.Feed) error {
	start, err := readStart(ctx, held)
	if err != nil {
		return err
	}
	done, err := s.done(ctx, held, start.At)
	if err != nil {
		return err
	}
	fold, err := held.Fold(ctx)
	if err != nil {
		return err
	}
	jobs, given := s.toFeed(ctx, held, &feed, done, fold), advance
	if held.submission.Chained {
		chain, err := s.newChain(ctx, held, start.At, done, &feed)
		if err != nil {
			return err
		}
		if err := s.fleet.SetFeed(ctx, s.batch, feed); err != nil { // nothing may be given for long
			return err
		}
		jobs, given = chain.order(ctx, jobs), chain.advance
	}
	note := func(jobs []*job.Job) error {
		given(&feed, jobs)
		return s.fleet.SetFeed(ctx, s.batch, feed)
	}
	if err := held.lane.engine.Load().runner.Feed(ctx, s.batch, held.submission.Priority, jobs, note); err != nil {
		return err
	}
	feed.All, feed.Unfed, feed.Held = true, 0, 0
	return s.fleet.SetFeed(ctx, s.batch, feed)
}

// advance notes with the feed which jobs were given.
func advance(feed *fleet.Feed, jobs []*job.Job) {
	for _, j := range jobs {
		feed.Fed, feed.Unfed = j.Index+1, max(0, feed.Unfed-j.Quote)
	}
}

// done are the jobs that ended for good before the submission began at this time and since
// its plan was made, with what they are to it: the plan does not know of them.
func (s *leader) done(ctx context.Context, held *knownBatch, start time.Time) (map[job.ID]plan.Status, error) {
	done := make(map[job.ID]plan.Status)
	planned := held.submission.Planned.Add(-clocksApart)
	since := planned
	if held.submission.RetryRefused { // what was refused before it was planned is to run
		since = held.submission.Planned
	}
	for result, err := range held.Ended(ctx) {
		switch {
		case err != nil:
			return nil, err
		case result.Of(held.submission.ID, start):
		case result.RefusedAndCharged() && result.Recorded.After(since):
			done[result.Job] = plan.FailedBefore
		case result.State == job.Succeeded && result.Recorded.After(planned) && held.Present(ctx, &result):
			done[result.Job] = plan.Kept
		}
	}
	return done, nil
}

// found counts the jobs and images that the plan wants to make and that a submission before
// ended after the plan had looked.
func (s *leader) found(ctx context.Context, held *knownBatch, done map[job.ID]plan.Status, start *batch.Started) error {
	if len(done) == 0 {
		return nil
	}
	for j, err := range batch.JobsToRun(ctx, s.Bucket, held.submission.Plan) {
		if err != nil {
			return err
		}
		switch done[j.ID] {
		case plan.Kept:
			start.Found++
			start.FoundImages += len(j.Outputs)
		case plan.FailedBefore:
			start.Refused++
			start.RefusedImages += len(j.Outputs)
		default: // it runs
		}
	}
	return nil
}

// toFeed are the jobs of the plan that are to run, from where the feed was left.
func (s *leader) toFeed(ctx context.Context, held *knownBatch, feed *fleet.Feed, done map[job.ID]plan.Status, fold *batch.Fold) iter.Seq2[*job.Job, error] {
	begin := feed.Fed
	return func(yield func(*job.Job, error) bool) {
		for j, err := range batch.JobsToRun(ctx, s.Bucket, held.submission.Plan) {
			if err != nil {
				yield(nil, err)
				return
			}
			if j.Index < begin {
				continue
			}
			if done[j.ID] != "" {
				feed.Unfed = max(0, feed.Unfed-j.Quote)
				continue
			}
			j.Before, j.Order = fold.Tried(j.ID), held.submission.ID
			if !yield(j, nil) {
				return
			}
		}
	}
}

// cancel withdraws what is queued, waits for what is under way, and ends the submission.
func (s *leader) cancel(ctx context.Context, held *knownBatch) error {
	ticker := time.NewTicker(leaderTick)
	defer ticker.Stop()
	for {
		if err := s.withdraw(ctx, held, held.lane); err != nil {
			return err
		}
		live, err := s.liveJobs(ctx, held.lane)
		if err != nil {
			return err
		}
		known, err := s.acknowledged(ctx, held)
		if err != nil {
			return err
		}
		if live == 0 && known {
			end := Ending{Outcome: report.Cancelled, Hint: held.control.Hint}
			if held.control.Guard {
				end.Outcome = report.Blocked
			}
			if why := held.control.Why; why != "" {
				end.Err = errors.New(why)
			}
			return s.finish(ctx, held, end)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
		if now := s.known(s.batch); now == nil || now.submission.ID != held.submission.ID {
			return nil
		}
	}
}

// withdraw ends the jobs of the batch that are queued in a lane and were not sent. It takes
// them over first, so that no handler can send them any more.
func (s *leader) withdraw(ctx context.Context, held *knownBatch, l *lane) error {
	store := l.engine.Load().queue
	refs, err := store.In(ctx, job.Queued, 0)
	if err != nil {
		return err
	}
	var taken []*job.Record
	for _, ref := range refs {
		if ref.Batch != s.batch {
			continue
		}
		rec, claimed, err := store.Claim(ctx, ref, job.Queued)
		if errors.Is(err, job.ErrRecordGone) {
			continue
		}
		if err != nil {
			return err
		}
		if claimed { // otherwise it was sent in the meantime
			taken = append(taken, rec)
		}
	}
	if err := s.refuseIntended(ctx, held, taken); err != nil {
		return err
	}
	for _, rec := range taken {
		if err := s.withdrawJob(ctx, l, rec); err != nil {
			return err
		}
	}
	return nil
}

// refuseIntended notes that jobs were not sent of which a process that is gone had noted that
// it was about to send them. Their CU and slots would be held for good.
func (s *leader) refuseIntended(ctx context.Context, held *knownBatch, taken []*job.Record) error {
	if len(taken) == 0 {
		return nil
	}
	fold, err := held.Fold(ctx)
	if err != nil {
		return err
	}
	intended := make(map[job.ID]batch.InFlight)
	for _, sending := range fold.InFlight() {
		intended[sending.Job] = sending
	}
	for _, rec := range taken {
		sending, is := intended[rec.Ref.ID]
		if !is || sending.Attempt != rec.Attempt {
			continue
		}
		err := held.Attempts.Note(ctx, job.AttemptLine{
			Event: job.Refused, Job: rec.Ref.ID, Attempt: rec.Attempt, Fence: rec.Fence, At: time.Now(),
			APIKey: sending.APIKey, Project: sending.Project, Team: sending.Team,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// withdrawJob ends a job that was taken over. What a handler before had reserved is given back
// at the end of the submission.
func (s *leader) withdrawJob(ctx context.Context, l *lane, rec *job.Record) error {
	if rec.APIKey != "" {
		if err := l.limiter.Release(ctx, rec.Ref, rec.Attempt, rec.APIKey); err != nil {
			return err
		}
	}
	err := l.engine.Load().queue.Finish(ctx, rec, job.Cancelled, 0)
	if errors.Is(err, job.ErrFenced) {
		err = nil // the next look ends it
	}
	return err
}
