package plan

import (
	"context"
	"encoding/hex"
	"errors"
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
	h.refused, h.picked = o.Refused, o.Picked
	spool, err := newSpool()
	if err != nil {
		return nil, err
	}
	p := &Plan{Batch: o.Manifest.Name, Mode: o.Manifest.Mode, Samples: []Sample{}, spool: spool, onBudget: o.Manifest.OnBudget}
	if err := p.make(ctx, o, h); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Plan) make(ctx context.Context, o Options, h *history) error {
	s := newScan(o, h, p.spool)
	for _, warning := range o.Manifest.Warnings.List {
		s.warnings.add(warning)
	}
	if err := s.read(ctx, p); err != nil {
		return fmt.Errorf("plan batch %q: %w", p.Batch, err)
	}
	if err := s.problems.err(); err != nil {
		return err
	}
	p.Warnings = s.warnings.list()
	p.Digest = hex.EncodeToString(s.content.Sum(nil))
	p.setReferences(s.pictures.files)
	p.chains = s.chains
	return p.price(ctx, s, o)
}

// price asks what the jobs to run cost, and works out caps and time.
func (p *Plan) price(ctx context.Context, s *scan, o Options) error {
	refused, err := price(ctx, s.models.caller, o.Quotes, s.shapes.order)
	if err != nil {
		return fmt.Errorf("plan batch %q: %w", p.Batch, err)
	}
	for _, shape := range s.shapes.order {
		if f, ok := refused[shape]; ok {
			s.problems.addFinding(shape.row, f)
		}
	}
	if err := s.problems.err(); err != nil {
		return err
	}
	p.Shapes = make([]Shape, 0, len(s.shapes.order))
	for _, shape := range s.shapes.order {
		p.Shapes = append(p.Shapes, shape.Shape)
		p.Cost += shape.Total
	}
	p.priceSteps(s)
	now := wallClock()
	p.cacheAge, p.allRecalled = cacheAge(s.shapes.order, now)
	p.Caps = p.checkCaps(o.Limits.Caps, now)
	if p.ToRun() == 0 {
		p.Forecast = Forecast{Bound: BoundNone}
		return nil
	}
	runs, note, err := observe(ctx, s.models.caller, p.modelsToRun())
	if err != nil {
		return fmt.Errorf("plan batch %q: %w", p.Batch, err)
	}
	if err := p.readOrder(); err != nil {
		return fmt.Errorf("plan batch %q: %w", p.Batch, err)
	}
	p.Forecast = p.forecast(now, o.Limits, runs, note)
	p.order, p.needs = nil, nil
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
