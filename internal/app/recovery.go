package app

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
	"nightshift/internal/runner"
	"nightshift/internal/text"
)

// recovery brings what processes before left of one batch back into Redis: what runs
// at the provider, and what was sent without an answer.
type recovery struct {
	folder
	name   string // of the batch, for people
	gate   *gate
	keys   *keyring
	engine *engine
	// before are the keys that jobs of the batch were sent with; nil if none was.
	before map[string]world
	// since is from when on results are of the run that goes on; zero where it is
	// about to begin.
	since time.Time
	// gone is before when what was sent ran on a simulator that ended with its process.
	gone     time.Time
	plan     string // its object key
	places   int    // of the plan
	priority job.Priority
	order    string              // for which its jobs are fed; "" of a run
	found    func([]runner.Open) // told of what is taken over; may be nil
}

// unfinished is what is so now.
func (r *recovery) unfinished(ctx context.Context) (*unfinished, error) {
	left, err := r.folder.unfinished(ctx, r.before)
	if err == nil {
		left.forget(r.gone)
	}
	return left, err
}

// sameWorld refuses to go on while requests are open that no API key of this run
// can see: they would be paid again.
func (r *recovery) sameWorld(ctx context.Context, left *unfinished) error {
	seen := make(map[string]bool) // by API key
	unseen := make(map[string]int)
	for id, open := range left.open {
		sees, known := seen[open.APIKey]
		if !known {
			var err error
			if sees, err = r.sees(ctx, open.APIKey, left); err != nil {
				return err
			}
			seen[open.APIKey] = sees
		}
		switch {
		case sees:
		case open.Counted: // images that are missing cannot be fetched from elsewhere; they are made anew
			delete(left.open, id)
		default:
			unseen[open.APIKey]++
		}
	}
	if len(unseen) == 0 {
		return nil
	}
	return r.unseenError(unseen)
}

// sees reports whether what a key has sent can be looked up now. Where only its
// credential could tell and that is another one, an inference of before is asked
// for; without one that is known, nobody can say.
func (r *recovery) sees(ctx context.Context, apiKey string, left *unfinished) (bool, error) {
	before := r.before[apiKey]
	key := r.keys.find(r.keys.Reader(apiKey))
	switch {
	case key == nil || key.world().API != before.API:
		return false, nil
	case key.world().same(before):
		return true, nil
	case key.Project != "" && before.Project != "":
		return false, nil // of two different projects
	}
	for _, open := range left.open {
		if open.APIKey != apiKey || open.Inference == "" {
			continue
		}
		if err := r.gate.pace(ctx); err != nil {
			return false, err
		}
		// Whatever it is asked for by, a list need not be read back to where it was made.
		told, err := key.account.Poll(ctx, []provider.Run{{ID: open.Inference, Made: time.Now()}})
		return len(told) > 0 && told[0].Status != job.RunNotFound, err
	}
	return false, nil
}

func (r *recovery) unseenError(unseen map[string]int) error {
	var keys []string
	sum := 0
	for _, id := range slices.Sorted(maps.Keys(unseen)) {
		w := r.before[id]
		keys = append(keys, fmt.Sprintf("key %s of %s, project %q", id, w.API, w.Project))
		sum += unseen[id]
	}
	return &inputError{&job.HintedError{
		Err: fmt.Errorf("%s of an earlier run of %s are not collected; they were started with %s, and no key of this run is known to see them",
			text.Count(sum, "inference"), r.name, strings.Join(keys, " and ")),
		Hint: "run it once with the API, key and project of before, or give the manifest another name",
	}}
}

// match gives what is in flight the jobs of the plan. Those of rows that are gone from the
// manifest are paid all the same: their images go to a folder of their own.
func (r *recovery) match(ctx context.Context, left *unfinished) ([]runner.Open, error) {
	var open []runner.Open
	for j, err := range jobsToRun(ctx, r.bucket, r.plan) {
		if err != nil {
			return nil, err
		}
		if o := left.open[j.ID]; o != nil {
			j.Before = min(left.attempts[j.ID], o.Attempt-1)
			o.Job = j
			open = append(open, *o)
			delete(left.open, j.ID)
		}
	}
	place, err := r.freePlace(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(left.open)) {
		o := left.open[id]
		if o.Job == nil {
			continue // only its images are missing, and nobody asks for them any more
		}
		o.Job.Index = place
		place++
		for i, name := range o.Job.Outputs {
			if !strings.HasPrefix(name, earlierFolder) {
				o.Job.Outputs[i] = earlierFolder + string(o.Job.ID) + "/" + name
			}
		}
		open = append(open, *o)
	}
	return open, nil
}

// freePlace is a place from which on no job of the plan, and none that ended in this
// run, has one.
func (r *recovery) freePlace(ctx context.Context) (int, error) {
	place := r.places
	for result, err := range r.endedInThisRun(ctx) {
		if err != nil {
			return 0, err
		}
		place = max(place, result.Index+1)
	}
	return place, nil
}

// endedInThisRun streams the results that were recorded since this run began.
func (r *recovery) endedInThisRun(ctx context.Context) iter.Seq2[job.Result, error] {
	return func(yield func(job.Result, error) bool) {
		if r.since.IsZero() {
			return
		}
		for result, err := range r.ended(ctx) {
			if err == nil && result.Recorded.Before(r.since) {
				continue
			}
			if !yield(result, err) {
				return
			}
		}
	}
}

// recover takes over what earlier processes left at the provider.
func (r *recovery) recover(ctx context.Context, left *unfinished) error {
	if err := r.giveUp(ctx, left.gone); err != nil {
		return err
	}
	if err := r.own(ctx, left); err != nil || len(left.open) == 0 {
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
	r.keys.learn(left.keyIDs)
	return r.engine.runner.Resume(ctx, r.batch, r.priority, open)
}
