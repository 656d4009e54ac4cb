package runner

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"

	"nightshift/internal/job"
)

// storedPrompt marks a prompt that the provider's list shows by the id of a text
// asset. Scenario API: long prompts are stored away so.
const storedPrompt = "asset_"

// likeness says whether a run is what a request would have started.
type likeness int

const (
	different likeness = iota
	equal
	uncertain // all that the provider shows is equal, but it hides the prompt
)

// compare compares a run with a job. What cannot be read is never taken for
// different: the job would be sent, and paid, again.
func (r *Runner) compare(ctx context.Context, reader string, run *job.Inference, rec *job.Record) (likeness, error) {
	j := &rec.Job
	if run.Opaque {
		if err := r.readWhole(ctx, reader, run); err != nil || run.Opaque {
			return uncertain, err
		}
	}
	if run.Model != j.Model || !bytes.Equal(comparableInputs(run.Inputs, j.PromptInput), comparableInputs(j.Inputs, j.PromptInput)) {
		return different, nil
	}
	same, err := r.comparePrompts(ctx, reader, run, j)
	if err != nil || same == different {
		return same, err
	}
	return r.compareAuthors(same, run, rec), nil
}

// compareAuthors says whether a run that looks the same can be somebody else's. A
// seed of ours settles that. Without one the author must be the API key that sent
// the job, as far as it is known; under another credential than today's it may have
// had another name.
func (r *Runner) compareAuthors(same likeness, run *job.Inference, rec *job.Record) likeness {
	authors := r.authors.of(rec.APIKey)
	switch {
	case rec.Job.Seed() != "" || run.Author == "" || len(authors) == 0 || slices.Contains(authors, run.Author):
		return same
	case rec.Intent.Before(r.APIKeys.Since(rec.APIKey)):
		return uncertain
	default:
		return different
	}
}

// readWhole reads the single run in place of what the list shows of it.
func (r *Runner) readWhole(ctx context.Context, reader string, run *job.Inference) error {
	return r.ask(ctx, reader, func(ctx context.Context, p Provider) error {
		whole, err := p.Inference(ctx, run.ID)
		if err != nil {
			return err
		}
		made := run.CreatedAt
		if *run = *whole; run.CreatedAt.IsZero() {
			run.CreatedAt = made
		}
		return nil
	})
}

// comparePrompts reads the single run where the list shows an asset for its
// prompt, once: what it reads is kept in run. Where the single run shows no more,
// a seed among the other inputs is certain enough; without one it stays uncertain.
func (r *Runner) comparePrompts(ctx context.Context, reader string, run *job.Inference, j *job.Job) (likeness, error) {
	wanted := j.Inputs[j.PromptInput]
	if storedText(run.Inputs[j.PromptInput]) && run.Inputs[j.PromptInput] != wanted {
		if err := r.readWhole(ctx, reader, run); err != nil {
			return different, err
		}
	}
	switch shown := run.Inputs[j.PromptInput]; {
	case shown == wanted:
		return equal, nil
	case !storedText(shown):
		return different, nil
	case j.Seed() != "":
		return equal, nil
	default:
		return uncertain, nil
	}
}

func storedText(prompt any) bool {
	text, _ := prompt.(string)
	return strings.HasPrefix(text, storedPrompt)
}

// comparableInputs encodes the inputs that a list of runs shows as they were sent.
// Empty ones are left out: whether a provider shows them is its own affair.
func comparableInputs(inputs job.Inputs, promptInput string) []byte {
	rest := maps.Clone(inputs)
	delete(rest, promptInput)
	delete(rest, job.ModelInput)
	maps.DeleteFunc(rest, func(_ string, value any) bool { return empty(value) })
	return rest.Canonical()
}

func empty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case string:
		return value == ""
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	default:
		return false
	}
}
