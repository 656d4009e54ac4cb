package runner

import (
	"context"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// withdrawDecisions begins a look without questions, for every batch about which something is
// or may be asked.
func (w *watcher) withdrawDecisions(unknown []*job.Record) {
	for batch, open := range w.questions {
		w.questions[batch] = open[:0]
	}
	for _, rec := range unknown {
		if w.questions[rec.Ref.Batch] == nil {
			w.questions[rec.Ref.Batch] = []job.Decision{}
		}
	}
}

// decision leaves jobs to a person, once the grace time is over: what is on its way
// into the list, or about to get its receipt, often answers it before.
func (w *watcher) decision(ctx context.Context, s *search, jobs []*job.Record) error {
	for _, rec := range jobs {
		delete(w.absent, rec.Ref)
		if time.Since(rec.Since) < w.Grace {
			continue
		}
		if len(s.runs(rec)) == 0 {
			taken, err := w.takeEarly(ctx, s, rec)
			if err != nil {
				return err
			}
			if taken {
				continue
			}
		}
		w.ask(rec, s.runs(rec))
	}
	return nil
}

// ask asks a person which of the runs is the job's, if any.
func (w *watcher) ask(rec *job.Record, candidates []job.Inference) {
	question := job.Decision{
		Job: rec.Ref.ID, Attempt: rec.Attempt, Row: rec.Job.Row, Model: rec.Job.Model, Prompt: rec.Job.Prompt(),
		Seed: rec.Job.Seed(), APIKey: rec.APIKey, Sent: rec.Intent, Amount: rec.Job.Quote, Candidates: []job.Candidate{},
	}
	for _, run := range candidates {
		question.Candidates = append(question.Candidates, job.Candidate{
			Inference: run.ID, Made: run.CreatedAt, Status: run.Status, ProviderKeyID: run.ProviderKeyID, Billed: run.Billed,
		})
	}
	w.questions[rec.Ref.Batch] = append(w.questions[rec.Ref.Batch], question)
}

// publishDecisions tells people what this look could not decide.
func (w *watcher) publishDecisions(ctx context.Context) error {
	for batch, open := range w.questions {
		if err := w.Decisions(batch).Publish(ctx, open); err != nil {
			return err
		}
		if len(open) == 0 {
			delete(w.questions, batch)
		}
	}
	return nil
}

// undecided is what jobs wait for that a person must decide about, or nil.
func (w *watcher) undecided() *job.PostponedError {
	jobs := 0
	for _, open := range w.questions {
		jobs += len(open)
	}
	if jobs == 0 {
		return nil
	}
	return &job.PostponedError{
		After: longTick, Reason: job.WaitDecision, NeedsOperator: true,
		Detail: fmt.Sprintf("of %d lost replies only you can tell what became of them", jobs),
	}
}

// applyAnswers does what a person decided, and returns the jobs about which nothing
// was.
func (w *watcher) applyAnswers(ctx context.Context, p provider.Provider, s *search, unknown []*job.Record) (rest []*job.Record, err error) {
	answers := make(map[string][]job.Answer)
	for _, rec := range unknown {
		batch := rec.Ref.Batch
		if answers[batch] == nil {
			if answers[batch], err = w.Decisions(batch).Answers(ctx); err != nil {
				return nil, err
			}
		}
		at := slices.IndexFunc(answers[batch], func(a job.Answer) bool { return a.Job == rec.Ref.ID && a.Attempt == rec.Attempt })
		// An answer from before the request was sent was about an earlier sending.
		if at < 0 || answers[batch][at].At.Before(rec.Intent) {
			rest = append(rest, rec)
			continue
		}
		taken, err := w.apply(ctx, p, s, rec, answers[batch][at])
		if err != nil {
			return nil, err
		}
		if !taken {
			rest = append(rest, rec)
		}
	}
	return rest, nil
}

// apply reports false for a run that is another job's by now.
func (w *watcher) apply(ctx context.Context, p provider.Provider, s *search, rec *job.Record, answer job.Answer) (bool, error) {
	if answer.Inference == "" {
		return true, w.sendAgain(ctx, rec)
	}
	// It may be older than the search went back.
	run := &job.Inference{ID: answer.Inference, Status: job.RunActive, CreatedAt: p.Earliest(rec.Intent)}
	for i, found := range s.matches[rec.Ref].Runs {
		if found.ID == answer.Inference {
			run = &s.matches[rec.Ref].Runs[i]
		}
	}
	s.taken[answer.Inference] = true
	return w.take(ctx, rec, run)
}
