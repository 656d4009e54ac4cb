package worker

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/job"
	"nightshift/internal/pool"
	"nightshift/internal/provider"
	"nightshift/internal/runner"
	"nightshift/internal/text"
)

// Recovery brings what processes before left of one batch back into Redis: what runs
// at the provider, and what was sent without an answer.
type Recovery struct {
	batch.Folder
	Name    string // of the batch, for people
	Limiter *pool.Limiter
	Keys    *pool.Keyring
	engine  *engine
	// Before are the keys that jobs of the batch were sent with; nil if none was.
	Before map[string]batch.KeyOrigin
	// since is from when on results are of the run that goes on; zero where it is
	// about to begin.
	since time.Time
	// Gone is before when what was sent ran on a simulator that ended with its process.
	Gone     time.Time
	plan     string // its object key
	places   int    // of the plan
	priority job.Priority
	order    string              // for which its jobs are fed; "" of a run
	found    func([]runner.Open) // called with what is taken over; may be nil
}

// Unfinished is what is so now.
func (r *Recovery) Unfinished(ctx context.Context) (*batch.Unfinished, error) {
	left, err := r.Folder.Unfinished(ctx, r.Before)
	if err == nil {
		left.Forget(r.Gone)
	}
	return left, err
}

// CheckOrigin refuses to go on while requests are open that no API key of this run
// can see: they would be paid again.
func (r *Recovery) CheckOrigin(ctx context.Context, left *batch.Unfinished) error {
	seen := make(map[string]bool) // by API key
	unseen := make(map[string]int)
	for id, open := range left.Open {
		sees, known := seen[open.APIKey]
		if !known {
			var err error
			if sees, err = r.canList(ctx, open.APIKey, left); err != nil {
				return err
			}
			seen[open.APIKey] = sees
		}
		switch {
		case sees:
		case open.Counted: // images that are missing cannot be fetched from elsewhere; they are made again
			delete(left.Open, id)
		default:
			unseen[open.APIKey]++
		}
	}
	if len(unseen) == 0 {
		return nil
	}
	return r.unseenError(unseen)
}

// canList reports whether what a key has sent can be looked up now. Where only its
// credential could tell and that is another one, an inference of before is asked
// for; without one that is known, nobody can say.
func (r *Recovery) canList(ctx context.Context, apiKey string, left *batch.Unfinished) (bool, error) {
	before, known := r.Before[apiKey]
	key := r.Keys.Find(r.Keys.Reader(apiKey))
	switch {
	case key != nil && !known: // the note of it is lost; what the key sees is asked
	case key == nil || key.Origin().API != before.API:
		return false, nil
	case key.Origin().Same(before):
		return true, nil
	case key.Project != "" && before.Project != "":
		return false, nil // of two different projects
	}
	for _, open := range left.Open {
		if open.APIKey != apiKey || open.Inference == "" {
			continue
		}
		if err := r.Limiter.Pace(ctx); err != nil {
			return false, err
		}
		// Whatever it is asked for by, a list need not be read back to where it was made.
		told, err := key.Account.Poll(ctx, []provider.Run{{ID: open.Inference, Made: time.Now()}})
		return len(told) > 0 && told[0].Status != job.RunNotFound, err
	}
	return false, nil
}

func (r *Recovery) unseenError(unseen map[string]int) error {
	var keys []string
	sum := 0
	for _, id := range slices.Sorted(maps.Keys(unseen)) {
		w := r.Before[id]
		keys = append(keys, fmt.Sprintf("key %s of %s, project %q", id, w.API, w.Project))
		sum += unseen[id]
	}
	return &job.InputError{Err: &job.HintedError{
		Err: fmt.Errorf("%s of an earlier run of %s are not collected; they were started with %s, and no key of this run is known to see them",
			text.Count(sum, "inference"), r.Name, strings.Join(keys, " and ")),
		Hint: "run it once with the API, key and project of before, or give the manifest another name",
	}}
}

// match gives what is in flight the jobs of the plan. Those of rows that are gone from the
// manifest are paid all the same: their images go to a folder of their own.
func (r *Recovery) match(ctx context.Context, left *batch.Unfinished) ([]runner.Open, error) {
	var open []runner.Open
	for j, err := range batch.JobsToRun(ctx, r.Bucket, r.plan) {
		if err != nil {
			return nil, err
		}
		if o := left.Open[j.ID]; o != nil {
			j.Before = min(left.Attempts[j.ID], o.Attempt-1)
			if sent := o.Job; sent != nil { // the plan does not know what was sent in place of pictures
				j.Made, j.Assets = sent.Made, sent.Assets
			}
			o.Job = j
			open = append(open, *o)
			delete(left.Open, j.ID)
		}
	}
	place, err := r.freeName(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(left.Open)) {
		o := left.Open[id]
		if o.Job == nil {
			continue // only its images are missing, and nobody asks for them any more
		}
		o.Job.Index = place
		place++
		for i, name := range o.Job.Outputs {
			if !strings.HasPrefix(name, batch.EarlierFolder) {
				o.Job.Outputs[i] = batch.EarlierFolder + string(o.Job.ID) + "/" + name
			}
		}
		open = append(open, *o)
	}
	return open, nil
}

// freeName is a place from which on no job of the plan, and none that ended in this
// run, has one.
func (r *Recovery) freeName(ctx context.Context) (int, error) {
	place := r.places
	for result, err := range r.endedInThisRun(ctx) {
		if err != nil {
			return 0, err
		}
		place = max(place, result.Index+1)
	}
	return place, nil
}

// endedInThisRun streams the results of the run that goes on.
func (r *Recovery) endedInThisRun(ctx context.Context) iter.Seq2[job.Result, error] {
	return func(yield func(job.Result, error) bool) {
		if r.since.IsZero() {
			return
		}
		for result, err := range r.Ended(ctx) {
			if err == nil && !result.Of(r.order, r.since) {
				continue
			}
			if !yield(result, err) {
				return
			}
		}
	}
}

// recover takes over what earlier processes left at the provider.
func (r *Recovery) recover(ctx context.Context, left *batch.Unfinished) error {
	if err := r.GiveUp(ctx, left.Gone); err != nil {
		return err
	}
	if err := r.own(ctx, left); err != nil || len(left.Open) == 0 {
		return err
	}
	open, err := r.match(ctx, left)
	if err != nil {
		return err
	}
	for _, o := range open {
		o.Job.Order = r.order
	}
	if r.found != nil {
		r.found(open)
	}
	r.Keys.Learn(left.KeyIDs)
	return r.engine.runner.Resume(ctx, r.Batch, r.priority, open)
}
