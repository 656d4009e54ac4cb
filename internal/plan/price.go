package plan

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"nightshift/internal/job"
)

// priceWorkers is how many dry runs are asked for at once.
const priceWorkers = 4

// price asks for the price of every shape. What the provider refuses comes back
// as findings, by shape; an error means that the prices are not known.
func price(ctx context.Context, caller *caller, shapes []*priced) (map[*priced]finding, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	refused := make(map[*priced]finding)
	var mu sync.Mutex // guards refused
	next := make(chan *priced)
	var workers sync.WaitGroup
	for range min(priceWorkers, len(shapes)) {
		workers.Go(func() {
			for shape := range next {
				f, err := shape.ask(ctx, caller)
				if err != nil {
					cancel(err) // the first cause stays
					continue
				}
				if f.found() {
					mu.Lock()
					refused[shape] = f
					mu.Unlock()
				}
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
	return refused, context.Cause(ctx)
}

// ask prices one shape by a dry run of its example.
func (p *priced) ask(ctx context.Context, caller *caller) (finding, error) {
	var quote job.Quote
	err := caller.do(ctx, func(ctx context.Context) (err error) {
		quote, err = caller.catalog.DryRun(ctx, p.Model, p.example)
		return err
	})
	if f := refusedBy(p.Model, err); f.found() {
		return f, nil
	}
	if err != nil {
		return finding{}, fmt.Errorf("ask for the price of %s: %w", p.Model, explained(err))
	}
	p.Each, p.Parts = quote.Total, quote.Parts
	p.Total = p.Each * job.CU(p.Jobs)
	return finding{}, nil
}

// refusedBy says what a dry run's error finds wrong with the job, or nothing.
func refusedBy(model string, err error) finding {
	if access, ok := errors.AsType[*job.AccessError](err); ok && access.Access == job.AccessPlan {
		f := notInPlan(model, access.RequiredPlan)
		f.field = fieldModel
		return f
	}
	if errors.Is(err, job.ErrInvalid) || errors.Is(err, job.ErrNotFound) {
		return finding{
			message:    "the provider refuses this job: " + providerWords(err),
			suggestion: "change what it names; the dry run that found this was free",
		}
	}
	if rejected, ok := errors.AsType[*job.RejectedError](err); ok {
		return finding{message: "the provider refuses this job: " + rejected.Reason, suggestion: rejected.Hint}
	}
	return finding{}
}

// providerWords leaves out what led to a refusal, which its reader did not ask for.
func providerWords(err error) string {
	for _, kind := range []error{job.ErrInvalid, job.ErrNotFound} {
		if _, words, found := strings.Cut(err.Error(), kind.Error()+": "); found {
			return words
		}
	}
	return err.Error()
}
