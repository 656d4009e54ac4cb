package runner

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"nightshift/internal/job"
)

// absences is in how many complete lists in a row an unknown job must be missing,
// the grace time besides, before it counts as never accepted.
const absences = 2

// reconcile settles the jobs whose reply was lost: each is adopted by the run
// that is its own, or sent again once it was certainly never accepted.
func (w *watcher) reconcile(ctx context.Context, s *search, unknown []*job.Record, complete bool) error {
	present := make(map[job.Ref]bool, len(unknown))
	for _, rec := range unknown {
		present[rec.Ref] = true
		found, err := w.adopt(ctx, s, rec)
		if err != nil {
			return err
		}
		if found != different || !complete {
			continue
		}
		w.absent[rec.Ref]++
		if w.absent[rec.Ref] < absences || time.Since(rec.Since) < w.Grace {
			continue
		}
		delete(w.absent, rec.Ref)
		if err := w.sendAgain(ctx, rec); err != nil {
			return err
		}
	}
	maps.DeleteFunc(w.absent, func(ref job.Ref, _ int) bool { return !present[ref] })
	return nil
}

// adopt gives the job the first candidate that is its own. It answers equal if
// there was one, and unclear if there is one of which it cannot be said.
func (w *watcher) adopt(ctx context.Context, s *search, rec *job.Record) (likeness, error) {
	found := different
	for i := range s.candidates {
		run := &s.candidates[i]
		if run.ID == "" || run.CreatedAt.Before(rec.Intent.Add(-skew)) {
			continue
		}
		same, err := w.compare(ctx, run, &rec.Job)
		if err != nil {
			return different, err
		}
		if same == unclear {
			found = unclear
		}
		if same != equal {
			continue
		}
		id := run.ID
		run.ID = "" // it is nobody else's, whatever the answer is
		adopted, err := w.take(ctx, rec, id, run)
		if err != nil {
			return different, err
		}
		if adopted {
			return equal, nil
		}
	}
	return found, nil
}

// take makes the run the job's own. It reports false if the run or the job was
// taken by somebody else in the meantime.
func (w *watcher) take(ctx context.Context, rec *job.Record, id string, run *job.Inference) (bool, error) {
	err := w.Store.Observe(ctx, rec.Ref, job.Change{
		From: []job.State{job.Unknown}, To: job.Running, Inference: id, Started: run.CreatedAt,
	})
	if errors.Is(err, job.ErrOwned) {
		return false, nil
	}
	if taken, err := takenOver(err); taken || err != nil {
		return taken, err
	}
	delete(w.absent, rec.Ref)
	rec.Inference = id
	w.Logger.InfoContext(ctx, "lost reply found in the job list, adopted", w.attrs(rec, "inference_id", id)...)
	if !run.Status.Ended() {
		return true, nil
	}
	if err := w.ended(ctx, rec, run); err != nil {
		return false, err
	}
	return true, w.wake(ctx, rec)
}

// sendAgain queues a job that was never accepted. It is the same attempt, on the
// same reservation.
func (w *watcher) sendAgain(ctx context.Context, rec *job.Record) error {
	next := job.Change{From: []job.State{job.Unknown}, To: job.Queued, Generation: rec.Generation + 1}
	if taken, err := takenOver(w.Store.Change(ctx, rec, next)); taken || err != nil {
		return err
	}
	w.Logger.WarnContext(ctx, "lost submission was never accepted, sending it again", w.attrs(rec)...)
	return w.Tasks.Enqueue(ctx, rec.Ref, next.Generation, rec.Priority)
}

// storedPrompt marks a prompt that the provider's list shows by the id of a text asset.
const storedPrompt = "asset_"

// likeness says whether a run is what a request would have started.
type likeness int

const (
	different likeness = iota
	equal
	unclear // all that the provider shows is equal, but it hides the prompt
)

// compare compares a run with a job. The run's author must be our key, as far as
// that is known.
func (r *Runner) compare(ctx context.Context, run *job.Inference, j *job.Job) (likeness, error) {
	if run.Model != j.Model {
		return different, nil
	}
	if author := r.author.Load(); author != nil && run.Author != "" && run.Author != *author {
		return different, nil
	}
	if !bytes.Equal(comparableInputs(run.Inputs, j.PromptInput), comparableInputs(j.Inputs, j.PromptInput)) {
		return different, nil
	}
	return r.comparePrompts(ctx, run, j)
}

// comparePrompts reads the single run where the list shows an asset for its
// prompt, once: what it reads is kept in run. Where the single run shows no more,
// a seed among the other inputs is certain enough; without one it stays unclear.
func (r *Runner) comparePrompts(ctx context.Context, run *job.Inference, j *job.Job) (likeness, error) {
	wanted := j.Inputs[j.PromptInput]
	if storedText(run.Inputs[j.PromptInput]) && run.Inputs[j.PromptInput] != wanted {
		var whole *job.Inference
		err := r.ask(ctx, func(ctx context.Context) (err error) {
			whole, err = r.Provider.Inference(ctx, run.ID)
			return err
		})
		if err != nil {
			return different, err
		}
		run.Inputs = whole.Inputs
	}
	switch shown := run.Inputs[j.PromptInput]; {
	case shown == wanted:
		return equal, nil
	case !storedText(shown):
		return different, nil
	case j.Seed() != "":
		return equal, nil
	default:
		return unclear, nil
	}
}

func storedText(prompt any) bool {
	text, _ := prompt.(string)
	return strings.HasPrefix(text, storedPrompt)
}

// comparableInputs encodes the inputs that a list of runs shows as they were sent.
func comparableInputs(inputs job.Inputs, promptInput string) []byte {
	rest := maps.Clone(inputs)
	delete(rest, promptInput)
	delete(rest, job.ModelInput)
	return rest.Canonical()
}
