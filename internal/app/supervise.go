package app

import (
	"context"
	"iter"
	"sync"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/results"
)

const (
	superviseTick = 200 * time.Millisecond
	// aliveTick is how often it is asked whether Redis has kept its state. Nothing is
	// granted in between, should it have lost it.
	aliveTick = time.Second
)

// jobsToFeed are the jobs of the plan that have no result, each with the attempts
// that earlier runs have made of it.
func (r *batchRun) jobsToFeed(ctx context.Context) iter.Seq2[*job.Job, error] {
	return func(yield func(*job.Job, error) bool) {
		for j, err := range jobsToRun(ctx, r.bucket, r.batch+"/"+planName) {
			if err == nil {
				j.Before = r.attempts[j.ID]
			}
			if !yield(j, err) {
				return
			}
		}
	}
}

// supervise feeds the plan and returns when the run is over, in one way or another.
func (r *batchRun) supervise(ctx context.Context) ending {
	feeding, stopFeeding := context.WithCancel(ctx)
	fed := make(chan error, 1)
	var feeder sync.WaitGroup
	defer feeder.Wait()
	defer stopFeeding()
	feeder.Go(func() {
		fed <- r.engine.runner.Feed(feeding, r.batch, r.priority(), r.jobsToFeed(feeding))
	})
	ticker := time.NewTicker(superviseTick)
	defer ticker.Stop()
	alive := time.NewTicker(aliveTick)
	defer alive.Stop()
	allFed, dead := false, newDeadEnd(r.manifest.OnBudget)
	for {
		select {
		case <-ctx.Done():
			return ending{outcome: results.Interrupted, err: context.Cause(ctx)}
		case err := <-r.stuck:
			return ending{outcome: results.Stopped, err: err, hint: job.Hint(err)}
		case err := <-fed:
			if err != nil && ctx.Err() == nil {
				return ending{outcome: results.Stopped, err: err}
			}
			allFed, fed = true, nil
		case <-alive.C:
			if alive, err := r.gate.admission.Alive(ctx); err == nil && !alive {
				return ending{outcome: redisLost}
			}
		case <-ticker.C:
			counts, err := r.engine.store.Counts(ctx, r.batch)
			if err != nil {
				continue // Redis is away, and everything waits for it; or ctx is done
			}
			end := dead.reached(counts, r.engine.runner.Waits())
			if allFed && counts.Live() == 0 {
				end = &ending{outcome: results.Complete}
			}
			if end == nil {
				continue
			}
			// A Redis that was emptied looks as if nothing were left to do.
			switch alive, err := r.gate.admission.Alive(ctx); {
			case err != nil:
				continue
			case !alive:
				return ending{outcome: redisLost}
			}
			return *end
		}
	}
}
