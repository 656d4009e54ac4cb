package app

import (
	"context"
	"maps"
	"slices"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/job"
	"nightshift/internal/runner"
)

// earlierFolder is where images go that were paid for by rows that the manifest
// no longer has.
const earlierFolder = "earlier/"

// unfinished is what earlier processes paid for and did not bring home.
type unfinished struct {
	fold       *batch.Fold
	sent, gone []batch.InFlight // gone with a simulator
	open       map[job.ID]*runner.Open
	// attempts are those of jobs that have a result and are to be run again.
	attempts map[job.ID]int
	keyIDs   map[string][]string // what the provider calls API keys
}

// unfinished reads what was sent and is not over, and what has a result whose images are
// not there; before are the keys of earlier runs, nil if there were none.
func (f *folder) unfinished(ctx context.Context, before map[string]world) (*unfinished, error) {
	fold, err := f.fold(ctx)
	if err != nil {
		return nil, err
	}
	found := &unfinished{fold: fold, sent: fold.InFlight(), open: make(map[job.ID]*runner.Open), attempts: make(map[job.ID]int), keyIDs: fold.ProviderKeyIDs()}
	for id, w := range before {
		for _, name := range w.Authors {
			if !slices.Contains(found.keyIDs[id], name) {
				found.keyIDs[id] = append(found.keyIDs[id], name)
			}
		}
	}
	for result, err := range f.ended(ctx) {
		if err != nil {
			return nil, err
		}
		found.result(&result, result.State != job.Succeeded || f.present(ctx, &result))
	}
	for _, sent := range found.sent {
		found.open[sent.Job] = &runner.Open{
			Job: sent.Spec, Attempt: sent.Attempt, APIKey: sent.APIKey, Intent: sent.Intent, Inference: sent.Inference, Made: sent.Made,
		}
	}
	return found, nil
}

// result takes a result. Of a job that succeeded and whose images are not there they
// are fetched again, and so are images that could not be stored.
func (u *unfinished) result(r *job.Result, present bool) {
	delete(u.open, r.Job)
	if r.State != job.Succeeded || !present {
		u.attempts[r.Job] = max(u.attempts[r.Job], r.Attempts)
	}
	if r.Inference != "" && (r.Kind == job.KindStorage || !present) {
		u.open[r.Job] = &runner.Open{
			Attempt: r.Attempts, APIKey: r.APIKey, Intent: r.Submitted, Made: r.Submitted, Inference: r.Inference, Counted: true,
		}
	}
}

// forget forgets what was sent before a time, to a simulator that is gone.
func (u *unfinished) forget(before time.Time) {
	u.sent = slices.DeleteFunc(u.sent, func(sent batch.InFlight) bool {
		gone := sent.Intent.Before(before)
		if gone {
			u.gone = append(u.gone, sent)
		}
		return gone
	})
	maps.DeleteFunc(u.open, func(_ job.ID, open *runner.Open) bool { return open.Intent.Before(before) })
}
