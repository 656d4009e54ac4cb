package worker

import (
	"context"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/job"
)

// sentTick is how often it is noted how many jobs were sent, if that has changed.
const sentTick = time.Second

// sentJobs is what a leader knows of how many jobs of its batch were sent.
type sentJobs struct {
	submission string // of which it is counted
	known      int    // jobs that the log knew when the counting began
	counted    int    // jobs of the submission that were sent by then
	again      int    // of the known ones, those that this submission may send again
	noted      int
	at         time.Time
}

// beginLog sees to it that the log of attempts has its first line before anything is sent,
// and that this is known elsewhere.
func (s *leader) beginLog(ctx context.Context, held *knownBatch, fold *batch.Fold) error {
	if !fold.Begun() {
		if err := held.Attempts.Begin(ctx, time.Now()); err != nil {
			return err
		}
	}
	return batch.WriteLeast(ctx, s.Bucket, s.batch, batch.Least{Jobs: fold.Jobs()})
}

// noteSent notes how many jobs were sent beside the log that says which.
func (s *leader) noteSent(ctx context.Context, held *knownBatch, counts job.Counts) error {
	sent := 0
	for _, state := range []job.State{job.Running, job.Unknown, job.Storing, job.Succeeded, job.Failed} {
		sent += counts.Jobs[state] // an intent is durable before any of these
	}
	if s.sent.submission != held.submission.ID {
		fold, err := held.Fold(ctx) // after the counts, so that it knows what they count
		if err != nil {
			return err
		}
		s.sent = sentJobs{
			submission: held.submission.ID, known: fold.Jobs(), counted: sent, noted: -1, // what was noted before may be less
			again: max(0, fold.Jobs()-held.submission.Kept-sent),
		}
	}
	least := s.sent.known + max(0, sent-s.sent.counted-s.sent.again)
	if least <= s.sent.noted || time.Since(s.sent.at) < sentTick {
		return nil
	}
	if err := batch.WriteLeast(ctx, s.Bucket, s.batch, batch.Least{Jobs: least}); err != nil {
		return err
	}
	s.sent.noted, s.sent.at = least, time.Now()
	return nil
}
