package batch

import (
	"context"
	"maps"
	"slices"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/runner"
)

// EarlierFolder is where images go that were paid for by rows that the manifest
// no longer has.
const EarlierFolder = "earlier/"

// Unfinished is what earlier processes paid for and did not bring home.
type Unfinished struct {
	Fold       *Fold
	Sent, Gone []InFlight // Gone with a simulator
	Open       map[job.ID]*runner.Open
	// Attempts are those of jobs that have a result and are to be run again.
	Attempts map[job.ID]int
	KeyIDs   map[string][]string // what the provider calls API keys
}

// Unfinished reads what was sent and is not over, and what has a result whose images are
// not there; before are the keys of earlier runs, nil if there were none.
func (f *Folder) Unfinished(ctx context.Context, before map[string]KeyOrigin) (*Unfinished, error) {
	fold, err := f.Fold(ctx)
	if err != nil {
		return nil, err
	}
	found := &Unfinished{Fold: fold, Sent: fold.InFlight(), Open: make(map[job.ID]*runner.Open), Attempts: make(map[job.ID]int), KeyIDs: fold.ProviderKeyIDs()}
	for id, w := range before {
		for _, name := range w.ProviderKeyIDs {
			if !slices.Contains(found.KeyIDs[id], name) {
				found.KeyIDs[id] = append(found.KeyIDs[id], name)
			}
		}
	}
	for result, err := range f.Ended(ctx) {
		if err != nil {
			return nil, err
		}
		found.result(&result, result.State != job.Succeeded || f.Present(ctx, &result))
	}
	for _, sent := range found.Sent {
		found.Open[sent.Job] = &runner.Open{
			Job: sent.Spec, Attempt: sent.Attempt, APIKey: sent.APIKey, Intent: sent.Intent, Inference: sent.Inference, Made: sent.Made,
		}
	}
	return found, nil
}

// result takes a result. Of a job that succeeded and whose images are not there they
// are fetched again, and so are images that could not be stored.
func (u *Unfinished) result(r *job.Result, present bool) {
	delete(u.Open, r.Job)
	if r.State != job.Succeeded || !present {
		u.Attempts[r.Job] = max(u.Attempts[r.Job], r.Attempts)
	}
	if r.Inference != "" && (r.Kind == job.KindStorage || !present) {
		u.Open[r.Job] = &runner.Open{
			Attempt: r.Attempts, APIKey: r.APIKey, Intent: r.Submitted, Made: r.Submitted, Inference: r.Inference, Counted: true,
		}
	}
}

// Forget forgets what was sent before a time, to a simulator that is gone.
func (u *Unfinished) Forget(before time.Time) {
	u.Sent = slices.DeleteFunc(u.Sent, func(sent InFlight) bool {
		gone := sent.Intent.Before(before)
		if gone {
			u.Gone = append(u.Gone, sent)
		}
		return gone
	})
	maps.DeleteFunc(u.Open, func(_ job.ID, open *runner.Open) bool { return open.Intent.Before(before) })
}
