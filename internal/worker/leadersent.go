package worker

import (
	"context"
	"errors"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/job"
)

const (
	// sentTick is how often it is noted how many attempts were sent, if that has changed.
	sentTick = time.Second
	// sentShare is which part of the time, one in so much, reading the logs for it may take:
	// on S3 they are read whole.
	sentShare = 20
	// mostKept bounds what is kept in memory of the logs between two looks. Longer ones are
	// read anew each time, which makes the looks rare.
	mostKept = 100_000
)

// sentJobs is what a leader knows of how many attempts of its batch were sent.
type sentJobs struct {
	fold  *batch.Fold // as far as the logs were read; nil before
	moved int         // jobs of the submission that had moved on when they were
	noted int
	next  time.Time // when to look again
}

// beginLog sees to it that the log of attempts has its first line before anything is sent,
// and that this is known elsewhere.
func (s *leader) beginLog(ctx context.Context, held *knownBatch, fold *batch.Fold) error {
	if !fold.Begun() {
		if err := held.Attempts.Begin(ctx, time.Now()); err != nil {
			return err
		}
	}
	s.sent = sentJobs{noted: fold.Attempts()}
	return batch.WriteLeast(ctx, s.Bucket, s.batch, batch.Least{Attempts: s.sent.noted})
}

// noteSent notes how many attempts were sent, as the log that says which knows it, beside it.
func (s *leader) noteSent(ctx context.Context, counts job.Counts) error {
	moved := 0
	for _, state := range []job.State{job.Running, job.Unknown, job.Storing, job.Succeeded, job.Failed} {
		moved += counts.Jobs[state]
	}
	began := time.Now()
	if moved == s.sent.moved || began.Before(s.sent.next) {
		return nil
	}
	s.sent.next = began.Add(sentTick)
	fold, err := batch.ReadOn(ctx, s.Bucket, s.batch, s.sent.fold)
	if err != nil {
		return onlyDamage(err)
	}
	if s.sent.fold, s.sent.moved = fold, moved; fold.Attempts() > mostKept {
		s.sent.fold = nil
	}
	s.sent.next = began.Add(max(sentTick, sentShare*time.Since(began)))
	if fold.Attempts() <= s.sent.noted {
		return nil
	}
	if err := batch.WriteLeast(ctx, s.Bucket, s.batch, batch.Least{Attempts: fold.Attempts()}); err != nil {
		return onlyDamage(err)
	}
	s.sent.noted = fold.Attempts()
	return nil
}

// onlyDamage drops what passes by itself: the next look notes more.
func onlyDamage(err error) error {
	if errors.Is(err, job.ErrDamaged) {
		return err
	}
	return nil
}
