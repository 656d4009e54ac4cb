package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/job"
)

const (
	// abandonedAfter is how long nobody may have extended the lease of a running task before
	// its process counts as dead: it took the task and did not live to claim the job.
	// asynq extends leases every five seconds. What is compared is what Redis holds at
	// two times of this process' clock, never clocks of two machines.
	abandonedAfter = 12 * time.Second
	// repairTick is how often all job records are held against the tasks.
	repairTick = time.Minute
	// leaseMargin is how long a lease may be over before its task counts as lost. A
	// living server takes it up after 30 to 90 seconds, and clocks differ.
	leaseMargin = 3 * time.Minute
	// sendLimit is longer than any submission may take.
	sendLimit = 3 * time.Minute
	// retryAfter is when a collect task of an inference that runs looks after it, if
	// nobody wakes it earlier.
	retryAfter = time.Minute
)

// ranByTheDead says of a task that whoever runs it is dead, instead of how long its
// lease may be over.
const ranByTheDead = -1

// runningLease is what was seen of the lease of a running task.
type runningLease struct {
	end   float64
	since time.Time // it was first seen so
}

// Recover gives the jobs of dead processes to those that live: one that is queued
// gets another submit task, one that was being sent is unknown, one that was being
// stored gets another collect task. Once a minute it also finds jobs whose task the
// queue has lost. One goroutine at a time calls it, every second or so; to do it in
// several processes at once is harmless. The error is Redis'.
func (q *Queue) Recover(ctx context.Context) error {
	owners, err := q.redis.SMembers(ctx, q.ownersKey()).Result()
	if err != nil {
		return fmt.Errorf("list the owners of jobs: %w", err)
	}
	if owners, err = q.process.Dead(ctx, owners); err != nil {
		return err
	}
	orphans, err := q.orphaned(ctx)
	if err != nil {
		return err
	}
	for _, owner := range owners {
		if orphans, err = q.claimedBy(ctx, owner, orphans); err != nil {
			return err
		}
	}
	records, err := q.Records(ctx, orphans)
	if err != nil {
		return err
	}
	for _, rec := range records {
		if rec.State == job.Sending && !slices.Contains(owners, rec.Owner) {
			continue // another task of it stands
		}
		if err := q.recover(ctx, rec, ranByTheDead); err != nil {
			return err
		}
	}
	return q.repair(ctx)
}

// claimedBy adds the jobs that a process has claimed to refs.
func (q *Queue) claimedBy(ctx context.Context, owner string, refs []job.Ref) ([]job.Ref, error) {
	claimed, err := orphansScript.Run(ctx, q.redis, []string{q.claimsKey(owner), q.ownersKey()}, owner, q.recordsPrefix()).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("list the jobs of %s: %w", owner, err)
	}
	for _, text := range claimed {
		ref, err := job.ParseRef(text)
		if err != nil {
			return nil, fmt.Errorf("list the jobs of %s: %w", owner, err)
		}
		if !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	return refs, nil
}

// orphaned are the jobs of tasks whose lease nobody extends.
func (q *Queue) orphaned(ctx context.Context) (refs []job.Ref, err error) {
	seen := make(map[string]runningLease)
	for _, name := range q.names() {
		leases, err := q.redis.ZRangeWithScores(ctx, leaseKey(name), 0, -1).Result()
		if err != nil {
			q.leases = nil
			return nil, fmt.Errorf("read leases of queue %s: %w", name, err)
		}
		for _, lease := range leases {
			id := lease.Member.(string) // always a string
			was, known := q.leases[id]
			if !known || was.end != lease.Score {
				was = runningLease{lease.Score, time.Now()}
			}
			seen[id] = was
			if time.Since(was.since) < abandonedAfter {
				continue
			}
			ref, err := taskRef(id)
			if err != nil {
				return nil, err
			}
			refs = append(refs, ref)
		}
	}
	q.leases = seen
	return refs, nil
}

// recover brings a job on that nobody works on any more. margin is that of abandoned.lua.
func (q *Queue) recover(ctx context.Context, rec *job.Record, margin int) error {
	lost, err := q.abandoned(ctx, rec, margin)
	if err != nil {
		return err
	}
	next := job.Change{From: []job.State{rec.State}, To: rec.State}
	switch {
	case rec.State == job.Sending:
		next.To = job.Unknown // its collect task is parked
	case lost:
		next.Generation = rec.Generation + 1
	case margin != ranByTheDead || rec.Owner == "":
		return nil
	}
	err = q.Change(ctx, rec, next)
	if errors.Is(err, job.ErrFenced) || errors.Is(err, job.ErrState) || errors.Is(err, job.ErrRecordGone) {
		return nil // somebody works on it
	}
	if err != nil || next.To == rec.State && next.Generation == 0 {
		return err
	}
	q.logger.WarnContext(ctx, "job recovered: nobody worked on it any more",
		"batch_id", rec.Ref.Batch, "job_id", string(rec.Ref.ID), "row", rec.Job.Row, "state", string(rec.State), "owner", rec.Owner)
	switch rec.State {
	case job.Queued:
		return q.put(ctx, q.laneName(rec.Priority), submitTask, next.Generation, first, rec.Ref)
	case job.Storing:
		return q.put(ctx, q.collectName(), collectTask, next.Generation, first, rec.Ref)
	default:
		return q.Park(ctx, rec.Ref, next.Generation, retryAfter)
	}
}

// abandoned removes the task that is to bring the job on, if nobody will run it to its
// end, and reports whether there is none. asynq can lose a task: where its lease entry
// was lost, or Redis went away in the wrong moment, the task says that it runs, for
// ever, and is in no list.
func (q *Queue) abandoned(ctx context.Context, rec *job.Record, margin int) (bool, error) {
	name, id := q.collectName(), taskID(collectTask, rec.Ref, rec.Generation)
	if rec.State == job.Queued || rec.State == job.Sending {
		name, id = q.laneName(rec.Priority), taskID(submitTask, rec.Ref, rec.Generation)
	}
	keys := []string{
		taskPrefix(name) + id, pendingKey(name), activeKey(name), leaseKey(name),
		scheduledKey(name), retryKey(name), archivedKey(name),
	}
	gone, err := abandonedScript.Run(ctx, q.redis, keys, id, margin).Bool()
	if err != nil {
		return false, fmt.Errorf("look for the task of job %s: %w", rec.Ref, err)
	}
	return gone, nil
}

// repair finds jobs whose task the queue has lost, now and then.
func (q *Queue) repair(ctx context.Context) error {
	if time.Since(q.repaired) < repairTick {
		return nil
	}
	clock, err := q.redis.Time(ctx).Result()
	if err != nil {
		return fmt.Errorf("read the clock of redis: %w", err)
	}
	// Who has just changed the state may be about to make the task.
	for state, age := range map[job.State]time.Duration{job.Queued: repairTick, job.Storing: repairTick, job.Sending: sendLimit} {
		refs, err := q.In(ctx, state, 0)
		if err != nil {
			return err
		}
		records, err := q.Records(ctx, refs)
		if err != nil {
			return err
		}
		for _, rec := range records {
			if rec.State != state || clock.Sub(rec.Since) < age {
				continue
			}
			if err := q.recover(ctx, rec, int(leaseMargin.Seconds())); err != nil {
				return err
			}
		}
	}
	q.repaired = time.Now()
	return nil
}
