package app

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/progress"
	"nightshift/internal/runner"
)

// earlierFolder is where images go that were paid for by rows that the manifest
// no longer has.
const earlierFolder = "earlier/"

// leftovers are what earlier runs paid for and did not bring home.
type leftovers struct {
	open   map[job.ID]*runner.Open
	author string // the provider's id of the key that sent them
}

// resume takes over what earlier runs left at the provider.
func (r *batchRun) resume(ctx context.Context) error {
	if r.state == nil {
		return nil
	}
	if r.api.builtIn && r.state.API == r.api.name { // what it ran is gone with its process
		return r.sent.Clear(ctx)
	}
	r.display.phase(progress.LookingUp)
	left, err := r.leftovers(ctx)
	if err != nil {
		return err
	}
	if err := r.sameWorld(left); err != nil {
		return err
	}
	open, err := r.match(ctx, left)
	if err != nil {
		return err
	}
	r.display.resumed(open)
	return r.engine.runner.Resume(ctx, r.manifest.Name, r.priority(), left.author, open)
}

// sameWorld refuses to go on with another API or project while requests are open
// that it cannot see: they would be paid again.
func (r *batchRun) sameWorld(left *leftovers) error {
	if r.state.API == r.api.name && r.state.Project == r.settings.Project {
		return nil
	}
	// Images that are missing cannot be fetched from elsewhere; they are made anew.
	maps.DeleteFunc(left.open, func(_ job.ID, o *runner.Open) bool { return o.Counted })
	if len(left.open) == 0 {
		return nil
	}
	return &inputError{&job.HintedError{
		Err: fmt.Errorf("%d inferences of an earlier run of %s are not collected; they were started on %s, project %q, and this run is on %s, project %q",
			len(left.open), r.manifest.Name, r.state.API, r.state.Project, r.api.name, r.settings.Project),
		Hint: "run it once with the API and project of before, or give the manifest another name",
	}}
}

// leftovers reads what was sent and has no result, and what has a result whose
// images are not there.
func (r *batchRun) leftovers(ctx context.Context) (*leftovers, error) {
	recorded := make(map[job.ID]time.Time) // the last result of a job
	lost := make(map[job.ID]*runner.Open)
	for _, log := range []iter.Seq2[job.Result, error]{r.log.Failed(ctx), r.log.Succeeded(ctx)} {
		for result, err := range log {
			if err != nil {
				return nil, err
			}
			recorded[result.Job] = result.Recorded
			delete(lost, result.Job)
			if result.Inference != "" && (result.Kind == job.KindStorage || result.State == job.Succeeded && !r.present(ctx, &result)) {
				lost[result.Job] = &runner.Open{
					Attempt: result.Attempts, Intent: result.Submitted, Made: result.Submitted,
					Inference: result.Inference, Counted: true,
				}
			}
		}
	}
	left := &leftovers{open: lost}
	for line, err := range r.sent.All(ctx) {
		if err != nil {
			return nil, err
		}
		if !line.At.After(recorded[line.ID]) {
			continue
		}
		left.take(line)
	}
	return left, nil
}

func (l *leftovers) take(line job.Submission) {
	switch line.Event {
	case job.Intended:
		l.open[line.ID] = &runner.Open{Job: line.Job, Attempt: line.Attempt, Intent: line.At}
	case job.Received:
		l.author = line.Author
		if open := l.open[line.ID]; open != nil {
			open.Inference, open.Made = line.Inference, line.Made
		}
	case job.Refused:
		delete(l.open, line.ID)
	}
}

// match gives leftovers the jobs of the plan. Those of rows that are gone from the
// manifest are paid all the same: their images go to a folder of their own.
func (r *batchRun) match(ctx context.Context, left *leftovers) ([]runner.Open, error) {
	var open []runner.Open
	for j, err := range jobsToRun(ctx, r.bucket, r.manifest.Name) {
		if err != nil {
			return nil, err
		}
		if o := left.open[j.ID]; o != nil {
			o.Job = j
			open = append(open, *o)
			delete(left.open, j.ID)
		}
	}
	for _, o := range left.open {
		if o.Job == nil {
			continue // only its images are missing, and nobody asks for them any more
		}
		o.Job.Index = r.plan.Jobs + len(open) // a place that no job of the plan has
		for i, name := range o.Job.Outputs {
			o.Job.Outputs[i] = earlierFolder + string(o.Job.ID) + "/" + name
		}
		open = append(open, *o)
	}
	return open, nil
}

// present reports whether the images of a result are there and still its own. An
// edited row may have replaced them, a person may have deleted them.
func (o *session) present(ctx context.Context, result *job.Result) bool {
	if len(result.Outputs) > 0 && strings.HasPrefix(result.Outputs[0], earlierFolder) {
		return false // it came home after its row was gone, under another name
	}
	for i, image := range result.Images {
		object, err := o.bucket.Stat(ctx, result.Key(o.manifest.Name, i))
		if err != nil || object.Metadata.Job != result.Job || object.Size != image.Bytes {
			return false
		}
	}
	return true
}

// kept streams the results whose images are there; the others are to be made, or
// fetched again where they are paid for.
func (o *session) kept(ctx context.Context) iter.Seq2[job.Result, error] {
	return func(yield func(job.Result, error) bool) {
		for result, err := range o.log.Succeeded(ctx) {
			if err == nil && !o.present(ctx, &result) {
				continue
			}
			if !yield(result, err) {
				return
			}
		}
	}
}
