package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/report"
	"nightshift/internal/runner"
	"nightshift/internal/wait"
)

// certain is how long it must look as if nothing went on: waiting jobs are tried one
// after another, and a cheaper one may still fit where an expensive one does not.
const certain = 5 * time.Second

// blockedFor remembers since when a batch looks blocked.
type blockedFor struct{ since time.Time }

// lasting reports whether it has looked so for long enough.
func (b *blockedFor) lasting(blocked bool) bool {
	if !blocked {
		b.since = time.Time{}
		return false
	}
	if b.since.IsZero() {
		b.since = time.Now()
	}
	return time.Since(b.since) >= certain
}

// blockedBy is what keeps the whole batch from going on until a person does something,
// or nil: everything that was sent is collected, and the rest waits for something that no
// time brings.
func (s *leader) blockedBy(ctx context.Context, held *knownBatch, counts job.Counts) *batch.Blockage {
	if trouble := s.blockageOf(s.batch); trouble != nil {
		return &batch.Blockage{Err: trouble, Hint: job.Hint(trouble)}
	}
	waits := s.waitsOf(ctx, held)
	blocked := needsOperator(counts, waits) || failsOverBudget(held, waits) && sentAll(counts)
	if lasting := s.blockedSince.lasting(blocked); !lasting && !(blocked && held.submission.NoneFits) {
		return nil
	}
	return &batch.Blockage{Err: errors.New(waits.Detail), Hint: wait.Of(waits.Reason).Hint(), Ends: failsOverBudget(held, waits)}
}

// waitsOf is what the batch waits for: what its jobs were refused for last, and else what
// its lane waits for beside them, here or in another worker: only one of them watches.
func (s *leader) waitsOf(ctx context.Context, held *knownBatch) runner.Waits {
	r := held.lane.engine.Load().runner
	if own := r.WaitOf(s.batch); own != nil {
		return runner.Waits{Reason: own.Reason, Detail: own.Detail, NeedsOperator: own.NeedsOperator}
	}
	if waits := r.Waits(); waits.Reason != "" {
		return waits
	}
	if time.Since(s.askedOthers) < beatTick {
		return s.others
	}
	s.askedOthers, s.others = time.Now(), runner.Waits{}
	beats, err := s.fleet.Workers(ctx)
	if err != nil {
		return s.others // Redis is away, and everything waits for it
	}
	for _, beat := range beats {
		if l := beat.Lanes[held.lane.name]; beat.Worker != s.name && l.Endless {
			s.others = runner.Waits{Reason: l.Reason, Detail: l.Detail, NeedsOperator: true}
		}
	}
	return s.others
}

// needsOperator reports whether nothing but a person brings the batch on. Lost replies
// that a person must decide, and runs that no key may read any more, are under way for
// ever.
func needsOperator(counts job.Counts, waits runner.Waits) bool {
	switch waits.Reason {
	case "", job.WaitPaused:
		return false
	case job.WaitDecision:
		return inFlight(counts) == 0 && counts.Jobs[job.Queued] == 0
	case job.WaitQuarantine, job.WaitAccess:
		return waits.NeedsOperator && counts.Jobs[job.Sending]+counts.Jobs[job.Storing] == 0
	default:
		return waits.NeedsOperator && sentAll(counts)
	}
}

// inFlight are the jobs that are sent and not yet stored, those without a reply apart.
func inFlight(counts job.Counts) int {
	return counts.Jobs[job.Sending] + counts.Jobs[job.Running] + counts.Jobs[job.Storing]
}

// sentAll reports whether all that was sent is stored.
func sentAll(counts job.Counts) bool { return inFlight(counts)+counts.Jobs[job.Unknown] == 0 }

// failsOverBudget reports whether the batch is to end where a cap of CU is full.
func failsOverBudget(held *knownBatch, waits runner.Waits) bool {
	return held.submission.Rules.OnBudget == manifest.OnBudgetFail && wait.ForCU(waits.Reason) && !held.lane.limiter.Closed(held.Batch)
}

// noteBlocked writes into the batch's control that it is blocked, with a report for who
// looks in the morning, or that it is no more.
func (s *leader) noteBlocked(ctx context.Context, held *knownBatch, counts job.Counts) error {
	found := s.blockedBy(ctx, held, counts)
	wasBlocked := held.control.State == batch.ControlBlocked
	switch {
	case found == nil && !wasBlocked, found != nil && wasBlocked && held.control.Why == found.Err.Error():
		return nil
	case found != nil && !found.Ends && !s.Observer.isBlocked(*found):
		s.Logger.ErrorContext(ctx, "batch blocked until a person acts; retrying", "batch_id", s.batch, "err", found.Err, "hint", found.Hint)
	}
	now, err := batch.ReadControl(ctx, s.Bucket, held.submission)
	if err != nil || now.State != batch.ControlGo && now.State != batch.ControlBlocked {
		return err // a person wants something else of it
	}
	if err := s.writeBlocked(ctx, held, found); err != nil {
		return err
	}
	if found != nil && !found.Ends {
		if _, err := s.report(ctx, held, Ending{Outcome: report.Blocked, Err: found.Err, Hint: found.Hint}); err != nil {
			return err
		}
	}
	return s.fleet.Announce(ctx)
}

// noteBlockage writes into the control of a batch whose leader cannot work why that is so:
// who watches it waits for nothing. The leader takes it back when it works again.
func (w *Worker) noteBlockage(ctx context.Context, id string, cause error) {
	held := w.known(id)
	if held == nil || job.Hint(cause) == "" || held.control.State != batch.ControlGo {
		return
	}
	s := &leader{Worker: w, batch: id}
	if err := s.writeBlocked(ctx, held, &batch.Blockage{Err: cause, Hint: job.Hint(cause)}); err != nil {
		w.Logger.WarnContext(ctx, "not noted that the batch is blocked", "batch_id", id, "err", err)
		return
	}
	if _, err := s.report(ctx, held, Ending{Outcome: report.Blocked, Err: cause, Hint: job.Hint(cause)}); err != nil {
		w.Logger.WarnContext(ctx, "no report on the blocked batch", "batch_id", id, "err", err)
	}
	if err := w.fleet.Announce(ctx); err != nil {
		w.Logger.DebugContext(ctx, "workers not told", "batch_id", id, "err", err)
	}
}

// writeBlocked says in the batch's control what blocks it, nil if nothing does any more.
func (s *leader) writeBlocked(ctx context.Context, held *knownBatch, found *batch.Blockage) error {
	if found == nil {
		return batch.Unblock(ctx, s.Bucket, held.submission)
	}
	next := batch.Control{State: batch.ControlBlocked, Why: found.Err.Error(), Hint: found.Hint}
	if found.Ends {
		next.State, next.Guard = batch.ControlCancel, true
	}
	return batch.WriteControl(ctx, s.Bucket, held.submission, next)
}

// needsOperator takes note of trouble of a batch that no waiting will end, and tells of it.
func (w *Worker) needsOperator(id string, err error) {
	w.note(id, err.Error())
	if bucket.Away(err) {
		w.Logger.Warn("storage does not answer, waiting", "batch_id", id, "err", err)
		return
	}
	w.mu.Lock()
	w.blockages[id] = err
	w.mu.Unlock()
	if !w.Observer.isBlocked(batch.Blockage{Err: err, Hint: job.Hint(err)}) && w.logged.again(job.Hint(err), time.Now()) {
		w.Logger.Error("batch blocked until a person acts; retrying", "batch_id", id, "err", err, "hint", job.Hint(err))
	}
}

// blockageOf is the trouble that keeps a batch from being stored or sent; nil if there is
// none, or if a job came through since.
func (w *Worker) blockageOf(batch string) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.blockages[batch]
}

// passes reports whether an error goes away without a person: Redis or the bucket is away
// for a while, or this process lost its place for a moment.
func passes(err error) bool {
	return app.RedisFailed(err) || bucket.Away(err) || errors.Is(err, errEpochOver) || errors.Is(err, fleet.ErrDeclaredDead) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// severity is the level at which an error is logged: one that passes is nobody's to mend.
func severity(err error) slog.Level {
	if passes(err) {
		return slog.LevelWarn
	}
	return slog.LevelError
}
