package runner

import (
	"context"
	"time"

	"nightshift/internal/backoff"
)

// recoverTick is how often the process that watches looks after the jobs of dead ones.
const recoverTick = time.Second

// recover sees to it that every unfinished job has somebody who works on it, until ctx
// is done. It goes on beside the watcher, who may wait long for the request rate.
func (r *Runner) recover(ctx context.Context, lease Lease) {
	for backoff.Sleep(ctx, recoverTick) == nil {
		held, err := lease.Hold(ctx)
		if err == nil && held {
			err = r.Tasks.Recover(ctx)
		}
		if err != nil && ctx.Err() == nil {
			r.Logger.WarnContext(ctx, "jobs of dead processes not recovered, trying again", "err", err)
		}
	}
}
