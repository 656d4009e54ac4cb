package plan

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
)

// maxSamples is how many of the jobs to run a plan shows.
const maxSamples = 5

// survey is the passes over the manifest that Make needs, and what they found.
type survey struct {
	batch    string
	manifest *manifest.Manifest
	models   *models
	history  *history
	shapes   shapes
	names    *manifest.Names
	content  hash.Hash // over the identities of all jobs, in order
	id       []byte    // reused
	problems problems
}

func newSurvey(o Options, h *history) *survey {
	return &survey{
		batch:    o.Manifest.Name,
		manifest: o.Manifest,
		models: &models{
			caller: &caller{catalog: o.Catalog, pace: o.Pace, waiting: o.Waiting},
			known:  make(map[string]*known),
		},
		history: h,
		shapes:  shapes{account: o.Account, byKey: make(map[string]*priced)},
		names:   manifest.NewNames(),
		content: sha256.New(),
	}
}

// read is the first pass: it checks every row and counts into the plan. What is
// wrong with rows is collected; an error is what kept it from reading on.
func (s *survey) read(ctx context.Context, p *Plan) error {
	for row, err := range ahead(ctx, s.manifest.Rows()) {
		if err != nil {
			if err := s.problems.addError(err); err != nil {
				return err
			}
			continue
		}
		p.Rows++
		if err := s.row(ctx, p, row); err != nil {
			return err
		}
	}
	return nil
}

func (s *survey) row(ctx context.Context, p *Plan, row *manifest.Row) error {
	k, err := s.models.get(ctx, row.Model)
	if err != nil {
		return err
	}
	asked := k.checker.asked(row)
	findings, err := s.models.checkRow(ctx, row, k, asked)
	if err != nil {
		return err
	}
	for _, f := range findings {
		s.problems.addFinding(row, f)
		if f.field == fieldOutput {
			return nil // its names would only repeat the finding
		}
	}
	return k.checker.expand(s.batch, row, asked, func(j *job.Job) error {
		for _, name := range j.Outputs {
			s.names.Add(name, row.Place)
		}
		if len(findings) == 0 {
			s.count(p, row, k.checker, j)
		}
		return nil
	})
}

// count adds a sound job to the plan.
func (s *survey) count(p *Plan, row *manifest.Row, c *checker, j *job.Job) {
	s.id = append(s.id[:0], j.ID...)
	s.content.Write(s.id)
	p.Jobs++
	p.Images += len(j.Outputs)
	status := s.history.status(j)
	switch status {
	case Kept:
		p.Kept++
		return
	case New:
		p.New++
	case Changed:
		p.Changed++
	}
	p.ImagesToRun += len(j.Outputs)
	if len(p.Samples) < maxSamples {
		p.Samples = append(p.Samples, Sample{Row: j.Row, Status: status, Model: j.Model, Prompt: j.Prompt(), Outputs: j.Outputs})
	}
	if !s.shapes.add(c, j, row) {
		s.problems.addFinding(row, finding{
			message:    fmt.Sprintf("the jobs have more than %d different prices, each of which would be asked for", maxShapes),
			suggestion: fmt.Sprintf("let the inputs that move the price of %s vary less: %s", j.Model, listed(c.costNames())),
		})
	}
}

// confirmNames is the second pass, needed only where names look alike.
func (s *survey) confirmNames(ctx context.Context) error {
	if s.names.Suspects() == 0 {
		return nil
	}
	for row, err := range ahead(ctx, s.manifest.Rows()) {
		if err != nil {
			if !isProblem(err) {
				return err
			}
			continue // the first pass has it
		}
		k, err := s.models.get(ctx, row.Model)
		if err != nil {
			return err
		}
		if k.checker.checkOutput(row).found() {
			continue
		}
		if err := s.confirmRow(row, k.checker); err != nil {
			return err
		}
	}
	return nil
}

func (s *survey) confirmRow(row *manifest.Row, c *checker) error {
	return c.expand(s.batch, row, c.asked(row), func(j *job.Job) error {
		for _, name := range j.Outputs {
			if problem := s.names.Confirm(name, row.Place); problem != nil {
				s.problems.add(problem)
			}
		}
		return nil
	})
}
