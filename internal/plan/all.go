package plan

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"

	"nightshift/internal/document"
	"nightshift/internal/job"
)

// ErrManifestChanged says that the manifest is no longer the one that was planned,
// so that its checks and prices do not hold; make the plan again.
var ErrManifestChanged = errors.New("the manifest changed after it was planned")

// All reads the manifest again and yields every job in order, with its status and
// price. An error ends the sequence; ErrManifestChanged may come as late as after
// the last job, so that nothing may run before the sequence has ended without one.
// Several goroutines may read at once.
func (p *Plan) All(ctx context.Context) iter.Seq2[PlannedJob, error] {
	return func(yield func(PlannedJob, error) bool) {
		content := sha256.New()
		index, stopped := 0, false
		err := p.walk(ctx, func(planned PlannedJob) error {
			content.Write([]byte(planned.ID))
			planned.Index = index
			index++
			if !yield(planned, nil) {
				stopped = true
				return errStopped
			}
			return nil
		})
		switch {
		case stopped:
		case err != nil:
			yield(PlannedJob{}, fmt.Errorf("list the jobs of batch %q: %w", p.Batch, err))
		case !bytes.Equal(content.Sum(nil), p.survey.content.Sum(nil)):
			yield(PlannedJob{}, fmt.Errorf("list the jobs of batch %q: %w", p.Batch, ErrManifestChanged))
		}
	}
}

var errStopped = errors.New("the reader of the jobs stopped")

func (p *Plan) walk(ctx context.Context, visit func(PlannedJob) error) error {
	prices := &shapes{byKey: p.survey.shapes.byKey} // with a buffer of its own: several may read at once
	for row, err := range ahead(ctx, p.survey.manifest.Rows()) {
		if err != nil {
			return err
		}
		k := p.survey.models.known[row.Model]
		if k == nil {
			return ErrManifestChanged
		}
		place := document.Place{File: row.Place.File, Line: row.Place.Line}.String()
		err := k.checker.expand(p.Batch, row, k.checker.asked(row), func(j *job.Job) error {
			j.Place, j.Variables = place, row.Variables
			planned, err := p.planned(prices, k.checker, j)
			if err != nil {
				return err
			}
			return visit(planned)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) planned(prices *shapes, c *checker, j *job.Job) (PlannedJob, error) {
	status := p.survey.history.status(j)
	if status == Kept {
		return PlannedJob{Job: *j, Status: status}, nil
	}
	shape := prices.find(c, j.Inputs)
	if shape == nil {
		return PlannedJob{}, ErrManifestChanged
	}
	j.Quote = shape.Each
	return PlannedJob{Job: *j, Status: status}, nil
}
