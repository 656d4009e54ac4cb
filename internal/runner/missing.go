package runner

import (
	"context"
	"errors"
	"maps"
	"time"

	"nightshift/internal/job"
)

const (
	// A run that a complete list did not show is read by itself, at most this many
	// in one look and each this often.
	singleReads = 5
	singleTick  = 20 * time.Second
	// After this many reads in which the provider did not know it, a run is given up.
	maxUnknownReads = 5
)

// missing is what is known of a run that lists do not show.
type missing struct {
	asked   time.Time
	unknown int // reads in which the provider did not know it
}

// readMissing reads runs singly that a complete list did not show.
func (w *watcher) readMissing(ctx context.Context, s *search) error {
	reads := 0
	for _, rec := range s.running {
		m := w.missing[rec.Ref]
		if reads == singleReads || time.Since(m.asked) < singleTick {
			continue
		}
		reads++
		m.asked = time.Now()
		known, err := w.readOne(ctx, rec)
		if err != nil {
			return err
		}
		if !known {
			m.unknown++
		}
		w.missing[rec.Ref] = m
		if m.unknown < maxUnknownReads {
			continue
		}
		if err := w.ended(ctx, endedRun{rec, gone(rec)}); err != nil {
			return err
		}
	}
	maps.DeleteFunc(w.missing, func(_ job.Ref, m missing) bool { return time.Since(m.asked) > 10*singleTick })
	return nil
}

// readOne takes over what the provider says of one run, and reports whether it
// knows it.
func (w *watcher) readOne(ctx context.Context, rec *job.Record) (known bool, err error) {
	var run *job.Inference
	err = w.ask(ctx, w.APIKeys.Reader(rec.APIKey), func(ctx context.Context, p Provider) (err error) {
		run, err = p.Inference(ctx, rec.Inference)
		return err
	})
	if errors.Is(err, job.ErrNotFound) {
		return false, nil
	}
	if err != nil || !run.Status.Ended() {
		return true, err
	}
	return true, w.ended(ctx, endedRun{rec, run})
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
