package app

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/runner"
)

// earlierFolder is where images go that were paid for by rows that the manifest
// no longer has.
const earlierFolder = "earlier/"

// leftovers are what earlier processes paid for and did not bring home, and what of
// it came to its end.
type leftovers struct {
	open  map[job.ID]*runner.Open
	noted map[job.ID]sentAttempt // what was sent last
	ended map[job.ID]endedJob
	// attempts are those of jobs that have a result and are to be run again.
	attempts map[job.ID]int
	authors  map[string][]string // what the provider calls API keys
}

// sentAttempt is an attempt and when it was last heard of.
type sentAttempt struct {
	number int
	at     time.Time
}

// endedJob is a paid request whose result is recorded.
type endedJob struct {
	result job.Result
	sent   time.Time
}

// leftovers are those of now: of earlier processes, and once this one has worked,
// its own too. On the built-in simulator earlier ones have left nothing: what it ran
// is gone with its process.
func (r *batchRun) leftovers(ctx context.Context) (*leftovers, error) {
	before := r.earlierKeys()
	left, err := r.session.leftovers(ctx, before)
	if err != nil {
		return nil, err
	}
	for id, ended := range left.ended {
		r.sent.Ended(id, ended.result.Attempts)
	}
	if r.api.builtIn && onBuiltIn(before) && r.engineRuns == 0 {
		clear(left.open)
	}
	return left, nil
}

// leftovers reads what was sent and has no result, and what has a result whose
// images are not there; before are the keys of earlier runs, nil if there were none.
func (o *session) leftovers(ctx context.Context, before map[string]world) (*leftovers, error) {
	left := &leftovers{
		open: make(map[job.ID]*runner.Open), noted: make(map[job.ID]sentAttempt), attempts: make(map[job.ID]int),
		ended: make(map[job.ID]endedJob), authors: make(map[string][]string),
	}
	if before == nil {
		return left, nil
	}
	for id, w := range before {
		left.authors[id] = w.Authors
	}
	for line, err := range o.sent.All(ctx) {
		if err != nil {
			return nil, err
		}
		left.take(line)
	}
	lost := make(map[job.ID]*runner.Open)
	for _, log := range []iter.Seq2[job.Result, error]{o.log.Failed(ctx), o.log.Succeeded(ctx)} {
		for result, err := range log {
			if err != nil {
				return nil, err
			}
			delete(lost, result.Job)
			left.end(result)
			missing := result.State == job.Succeeded && !o.present(ctx, &result)
			if result.State != job.Succeeded || missing {
				left.attempts[result.Job] = max(left.attempts[result.Job], result.Attempts)
			}
			if result.Inference != "" && (result.Kind == job.KindStorage || missing) {
				lost[result.Job] = &runner.Open{
					Attempt: result.Attempts, APIKey: result.APIKey, Intent: result.Submitted, Made: result.Submitted,
					Inference: result.Inference, Counted: true,
				}
			}
		}
	}
	for id, open := range lost {
		if left.open[id] == nil {
			left.open[id] = open
		}
	}
	return left, nil
}

func (l *leftovers) take(line job.Submission) {
	switch line.Event {
	case job.Intended:
		l.open[line.ID] = &runner.Open{Job: line.Job, Attempt: line.Attempt, APIKey: line.APIKey, Intent: line.At}
	case job.Received:
		if !slices.Contains(l.authors[line.APIKey], line.Author) {
			l.authors[line.APIKey] = append(slices.Clone(l.authors[line.APIKey]), line.Author)
		}
		if open := l.open[line.ID]; open != nil {
			open.Inference, open.Made = line.Inference, line.Made
		}
	case job.Refused:
		delete(l.open, line.ID)
	}
	l.noted[line.ID] = sentAttempt{line.Attempt, line.At}
}

// end notes a result of a request that was open before it was recorded.
func (l *leftovers) end(result job.Result) {
	noted, known := l.noted[result.Job]
	if !known || result.Attempts < noted.number {
		return
	}
	ended := endedJob{result: result, sent: noted.at}
	if open := l.open[result.Job]; open != nil {
		ended.sent = open.Intent
	}
	l.ended[result.Job] = ended
	delete(l.open, result.Job)
}

// sameWorld refuses to go on while requests are open that no API key of this run
// can see: they would be paid again.
func (r *batchRun) sameWorld(ctx context.Context, left *leftovers) error {
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
func (r *batchRun) sees(ctx context.Context, apiKey string, left *leftovers) (bool, error) {
	before := r.earlierKeys()[apiKey]
	key := r.api.keys.find(r.api.keys.Reader(apiKey))
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
		_, err := key.client.Inference(ctx, open.Inference)
		if errors.Is(err, job.ErrNotFound) {
			return false, nil
		}
		return err == nil, err
	}
	return false, nil
}

func (r *batchRun) unseenError(unseen map[string]int) error {
	var keys []string
	sum := 0
	for _, id := range slices.Sorted(maps.Keys(unseen)) {
		w := r.earlierKeys()[id]
		keys = append(keys, fmt.Sprintf("key %s of %s, project %q", id, w.API, w.Project))
		sum += unseen[id]
	}
	return &inputError{&job.HintedError{
		Err: fmt.Errorf("%s of an earlier run of %s are not collected; they were started with %s, and no key of this run is known to see them",
			counted(sum, "inference"), r.manifest.Name, strings.Join(keys, " and ")),
		Hint: "run it once with the API, key and project of before, or give the manifest another name",
	}}
}

// match gives leftovers the jobs of the plan. Those of rows that are gone from the
// manifest are paid all the same: their images go to a folder of their own.
func (r *batchRun) match(ctx context.Context, left *leftovers) ([]runner.Open, error) {
	var open []runner.Open
	for j, err := range jobsToRun(ctx, r.bucket, r.batch) {
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
func (r *batchRun) freePlace(ctx context.Context) (int, error) {
	place := r.plan.Jobs
	for result, err := range r.endedInThisRun(ctx) {
		if err != nil {
			return 0, err
		}
		place = max(place, result.Index+1)
	}
	return place, nil
}

// endedInThisRun streams the results that were recorded since this run began.
func (r *batchRun) endedInThisRun(ctx context.Context) iter.Seq2[job.Result, error] {
	return func(yield func(job.Result, error) bool) {
		if r.engineRuns == 0 {
			return
		}
		for _, log := range []iter.Seq2[job.Result, error]{r.log.Failed(ctx), r.log.Succeeded(ctx)} {
			for result, err := range log {
				if err == nil && result.Recorded.Before(r.started) {
					continue
				}
				if !yield(result, err) {
					return
				}
			}
		}
	}
}
