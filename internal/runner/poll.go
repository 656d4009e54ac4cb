package runner

import (
	"context"
	"errors"
	"maps"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// A run is given up that the provider did not know so often, each this much later than
// the time before.
const (
	maxUnlisted  = 5
	unlistedTick = 20 * time.Second
)

// unlisted is how often the provider did not know a run, and when last.
type unlisted struct {
	times int
	last  time.Time
}

// poll asks the provider for running jobs and takes over what it says.
func (w *watcher) poll(ctx context.Context, p provider.Provider, running []*job.Record) error {
	if len(running) == 0 {
		return nil
	}
	byRun := make(map[string]*job.Record, len(running))
	runs := make([]provider.Run, len(running))
	for i, rec := range running {
		byRun[rec.Inference], runs[i] = rec, provider.Run{ID: rec.Inference, Made: rec.Started}
	}
	told, err := p.Poll(ctx, runs)
	var over []endedRun
	for i := range told {
		rec := byRun[told[i].ID]
		if rec == nil {
			continue
		}
		if run := w.hear(rec, &told[i]); run != nil {
			over = append(over, endedRun{rec, run})
		}
	}
	maps.DeleteFunc(w.unlisted, func(_ job.Ref, u unlisted) bool { return time.Since(u.last) > 10*unlistedTick })
	return errors.Join(err, w.ended(ctx, over...))
}

// hear is the run of a job if it is over by what the provider says of it; nil if not.
func (w *watcher) hear(rec *job.Record, run *job.Inference) *job.Inference {
	if run.Status == job.RunNotFound {
		if !w.givenUp(rec) {
			return nil
		}
		return gone(rec)
	}
	if !run.Status.Ended() {
		return nil
	}
	return run
}

// givenUp counts that the provider did not know a run, and reports whether that was
// often enough.
func (w *watcher) givenUp(rec *job.Record) bool {
	u := w.unlisted[rec.Ref]
	if time.Since(u.last) < unlistedTick {
		return false
	}
	u.times, u.last = u.times+1, time.Now()
	w.unlisted[rec.Ref] = u
	return u.times >= maxUnlisted
}

// gone is the end of a run that the provider does not know any more. Its price is
// taken for spent: nothing says that it was given back.
func gone(rec *job.Record) *job.Inference {
	return &job.Inference{
		ID: rec.Inference, Status: job.RunFailed, RefundDisabled: true, CreatedAt: rec.Started, UpdatedAt: time.Now(),
		Failure: "the provider does not know inference " + rec.Inference + " with this key and project",
		Hint:    "if it was started with another key or project, run again with that one",
	}
}
