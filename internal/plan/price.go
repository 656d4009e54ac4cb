package plan

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"nightshift/internal/job"
)

// priceWorkers is how many dry runs are asked for at once.
const priceWorkers = 4

// price finds the price of every shape: among quotes, which may be nil, or by a dry
// run. What the provider refuses comes back as findings, by shape; an error means
// that the prices are not known.
func price(ctx context.Context, caller *caller, quotes Quotes, shapes []*priced) (map[*priced]finding, error) {
	var unknown []*priced
	now := wallClock()
	for _, shape := range shapes {
		if !shape.recall(quotes, now) {
			unknown = append(unknown, shape)
		}
	}
	return askAll(ctx, caller, quotes, unknown)
}

// askAll asks one price at a time until one was given: that a dry run is free holds
// only where all of its request arrives, and a proxy that drops the query would make
// each of several at once an inference that is paid. A refusal proves nothing of
// the kind, since a request to run would have been refused alike.
func askAll(ctx context.Context, caller *caller, quotes Quotes, shapes []*priced) (map[*priced]finding, error) {
	refused := make(map[*priced]finding)
	for proven := false; !proven && len(shapes) > 0; shapes = shapes[1:] {
		f, err := shapes[0].ask(ctx, caller, quotes)
		if err != nil {
			return nil, err
		}
		if proven = !f.found(); !proven {
			refused[shapes[0]] = f
		}
	}
	return refused, askTogether(ctx, caller, quotes, shapes, refused)
}

// askTogether asks several prices at once and adds what is refused. The first error
// ends it; all dry runs that were paid by then are in the error.
func askTogether(ctx context.Context, caller *caller, quotes Quotes, shapes []*priced, refused map[*priced]finding) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex // guards refused and paid
	var paid []error
	next := make(chan *priced)
	var workers sync.WaitGroup
	for range min(priceWorkers, len(shapes)) {
		workers.Go(func() {
			for shape := range next {
				if ctx.Err() != nil {
					continue
				}
				f, err := shape.ask(ctx, caller, quotes)
				if err != nil {
					cancel(err) // the first cause stays
				}
				mu.Lock()
				if f.found() {
					refused[shape] = f
				}
				if _, ok := errors.AsType[*job.PaidDryRunError](err); ok {
					paid = append(paid, err)
				}
				mu.Unlock()
			}
		})
	}
	for _, shape := range shapes {
		select {
		case next <- shape:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
	if len(paid) > 0 {
		return errors.Join(paid...)
	}
	return context.Cause(ctx)
}

// ask prices one shape by a dry run of its example, and keeps the price.
func (p *priced) ask(ctx context.Context, caller *caller, quotes Quotes) (finding, error) {
	var quote job.Quote
	var asked time.Time // before the call that is answered, so that no price looks too young
	err := caller.do(ctx, func(ctx context.Context) (err error) {
		asked = wallClock()
		quote, err = caller.catalog.Quote(ctx, job.Request{Model: p.Model, Inputs: p.example, PictureInputs: p.pictures})
		return err
	})
	f, err := refusedBy(p.Model, err)
	if err != nil {
		return finding{}, fmt.Errorf("ask for the price of %s: %w", p.Model, explained(err))
	}
	if f.found() {
		return f, nil
	}
	p.set(quote, asked)
	if quotes != nil {
		quotes.Keep(p.quoteKey, quote, asked)
	}
	return finding{}, nil
}

// refusedBy says what a dry run's error finds wrong with the job. An error that is
// not about the job comes back, one that says that the dry run was paid above all.
func refusedBy(model string, err error) (finding, error) {
	if _, paid := errors.AsType[*job.PaidDryRunError](err); paid {
		return finding{}, err
	}
	if access, ok := errors.AsType[*job.AccessError](err); ok && access.Access == job.AccessPlan {
		f := notInPlan(model, access.RequiredPlan)
		f.field = fieldModel
		return f, nil
	}
	if errors.Is(err, job.ErrInvalid) || errors.Is(err, job.ErrNotFound) {
		return finding{
			message:    "the provider refuses this job: " + providerWords(err),
			suggestion: "change what it names; the dry run that found this was free",
		}, nil
	}
	if rejected, ok := errors.AsType[*job.RejectedError](err); ok {
		return finding{message: "the provider refuses this job: " + rejected.Reason, suggestion: rejected.Hint}, nil
	}
	return finding{}, err
}

// providerWords leaves out what led to a refusal, which its reader did not ask for.
func providerWords(err error) string {
	if said, ok := errors.AsType[*job.ProviderError](err); ok {
		return said.Words
	}
	return err.Error()
}
