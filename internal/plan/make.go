package plan

import (
	"context"
	"fmt"
	"slices"
)

// Make reads, checks, compares and prices a manifest, spending nothing.
//
// Everything that is wrong in the manifest comes back together, as a
// *document.Problems in the order of the file; there is no price then. Other
// errors are what kept the plan from being made: the manifest or the results
// cannot be read, the provider does not answer after several attempts, or it
// refuses the API key (job.Hint says what to do). A job.PaidDryRunError is the one
// by which something was spent after all: it ends the plan at once.
func Make(ctx context.Context, o Options) (*Plan, error) {
	h, err := readHistory(ctx, o.Results)
	if err != nil {
		return nil, err
	}
	s := newSurvey(o, h)
	p := &Plan{Batch: o.Manifest.Name, Mode: o.Manifest.Mode, Samples: []Sample{}, survey: s, onBudget: o.Manifest.OnBudget}
	if err := s.read(ctx, p); err != nil {
		return nil, fmt.Errorf("plan batch %q: %w", p.Batch, err)
	}
	if err := s.confirmNames(ctx); err != nil {
		return nil, fmt.Errorf("plan batch %q: %w", p.Batch, err)
	}
	s.names = nil // the one thing that grows with the batch and is not needed again
	if err := s.problems.err(); err != nil {
		return nil, err
	}
	if err := p.price(ctx, o.Quotes, o.Limits); err != nil {
		return nil, err
	}
	return p, nil
}

// price asks what the jobs to run cost, and works out caps and time.
func (p *Plan) price(ctx context.Context, quotes Quotes, limits Limits) error {
	refused, err := price(ctx, p.survey.models.caller, quotes, p.survey.shapes.order)
	if err != nil {
		return fmt.Errorf("plan batch %q: %w", p.Batch, err)
	}
	for _, shape := range p.survey.shapes.order {
		if f, ok := refused[shape]; ok {
			p.survey.problems.addFinding(shape.row, f)
		}
	}
	if err := p.survey.problems.err(); err != nil {
		return err
	}
	p.Shapes = make([]Shape, 0, len(p.survey.shapes.order))
	for _, shape := range p.survey.shapes.order {
		p.Shapes = append(p.Shapes, shape.Shape)
		p.Cost += shape.Total
	}
	now := wallClock()
	p.cacheAge, p.allRecalled = cacheAge(p.survey.shapes.order, now)
	p.Caps = p.checkCaps(limits.Caps, now)
	if p.ToRun() == 0 {
		p.Forecast = Forecast{Bound: BoundNone}
		return nil
	}
	runs, note, err := observe(ctx, p.survey.models.caller, p.modelsToRun())
	if err != nil {
		return fmt.Errorf("plan batch %q: %w", p.Batch, err)
	}
	p.Forecast = p.forecast(now, limits, runs, note)
	return nil
}

// modelsToRun are the models of the jobs that run, by id.
func (p *Plan) modelsToRun() []string {
	models := make([]string, 0, len(p.Shapes))
	for _, shape := range p.Shapes {
		models = append(models, shape.Model)
	}
	slices.Sort(models)
	return slices.Compact(models)
}
