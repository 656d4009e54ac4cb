package runner

import (
	"context"
	"fmt"
	"iter"
	"time"

	"nightshift/internal/job"
)

const (
	// The window is how many jobs of a batch are queued at a time: enough that the
	// lane never runs dry at hundreds of jobs a second, few enough that memory is
	// flat and that a batch that comes later stands behind some seconds of work.
	firstWindow    = 32
	smallestWindow = 16
	largestWindow  = 800
	// A window that was taken sooner than this was too small, and one that lasted
	// longer than that too large.
	soonTaken = 2 * time.Second
	longTaken = 10 * time.Second
	// feedTick is how often the feed looks at its window; a job that leaves the
	// queue in this process wakes it earlier.
	feedTick = 500 * time.Millisecond
	// waitingMost is how many jobs of a batch may wait for their images to be stored, or
	// for a lost reply, before no more are given out: while a bucket takes nothing, the
	// whole batch would be bought.
	waitingMost = 1000
	// feedAtOnce is how many jobs are given to the lane together.
	feedAtOnce = 100
)

// Feed gives the jobs of a plan to the lane in their order, a window at a time. It
// returns when all were given, or with ctx's cause. Feeding a job twice is harmless.
// given, if set, is called with the jobs that were given. A nil job says that no other comes
// for now.
func (r *Runner) Feed(ctx context.Context, batch string, priority job.Priority, jobs iter.Seq2[*job.Job, error], given func([]*job.Job) error) error {
	room, w := 0, &window{size: firstWindow}
	var next []*job.Job
	for j, err := range jobs {
		if err != nil {
			return fmt.Errorf("read plan of batch %s: %w", batch, err)
		}
		if j == nil {
			if err := r.give(ctx, batch, priority, next, given); err != nil {
				return err
			}
			next = next[:0]
			continue
		}
		if room == 0 {
			if room, err = r.room(ctx, batch, w); err != nil {
				return err
			}
		}
		next = append(next, j)
		if room--; room > 0 && len(next) < feedAtOnce {
			continue
		}
		if err := r.give(ctx, batch, priority, next, given); err != nil {
			return err
		}
		next = next[:0]
	}
	return r.give(ctx, batch, priority, next, given)
}

// give gives jobs to the lane, and again those that wait there: who fed before may have
// died before it gave them their tasks.
func (r *Runner) give(ctx context.Context, batch string, priority job.Priority, jobs []*job.Job, given func([]*job.Job) error) error {
	if len(jobs) == 0 {
		return nil
	}
	states, err := r.Store.Add(ctx, batch, priority, jobs...)
	if err != nil {
		return err
	}
	var queued []job.Ref
	for i, state := range states {
		if state == job.Queued {
			queued = append(queued, job.Ref{Batch: batch, ID: jobs[i].ID})
		}
	}
	if err := r.Tasks.Enqueue(ctx, priority, 1, queued...); err != nil || given == nil {
		return err
	}
	return given(jobs)
}

// window adapts to how fast the jobs of a batch are taken.
type window struct {
	size   int
	filled time.Time // last
}

// taken says that half of the window was taken and is about to be filled.
func (w *window) taken(now time.Time) {
	switch lasted := now.Sub(w.filled); {
	case w.filled.IsZero():
	case lasted < soonTaken:
		w.size = min(2*w.size, largestWindow)
	case lasted > longTaken:
		w.size = max(w.size/2, smallestWindow)
	}
	w.filled = now
}

// room waits until at least half of the window is empty and says how much is.
func (r *Runner) room(ctx context.Context, batch string, w *window) (int, error) {
	for {
		counts, err := r.Store.Counts(ctx, batch)
		if err != nil {
			return 0, err
		}
		queued := counts.Jobs[job.Queued]
		waiting := counts.Jobs[job.Storing] + counts.Jobs[job.Unknown]
		if queued <= w.size/2 && waiting < waitingMost {
			w.taken(time.Now())
			return max(1, w.size-queued), nil
		}
		if err := r.pause(ctx, feedTick, r.took); err != nil {
			return 0, err
		}
	}
}
