package plan

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"nightshift/internal/document"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/text"
)

// maxSamples is how many of the jobs to run a plan shows.
const maxSamples = 5

// scan is the one pass over the manifest, and what it found.
type scan struct {
	batch    string
	manifest *manifest.Manifest
	models   *models
	history  *history
	// retryRefused lets jobs run that were refused and charged.
	retryRefused bool
	rolls        func(row string) int
	shapes       shapes
	names        *manifest.Names
	spool        *spool
	content      hash.Hash // over the identities of all jobs, in order
	id           []byte    // reused
	problems     problems
	warnings     warnings
	twins        twins
	pictures     *pictures
	made         *made
	deferred     []*manifest.Row
	marks        func(image job.Picture) job.Mark
	steps        []*Step
	chains       map[string]bool
}

func newScan(o Options, h *history, into *spool) *scan {
	rolls := o.Rolls
	if rolls == nil {
		rolls = func(string) int { return 0 }
	}
	return &scan{
		batch:    o.Manifest.Name,
		manifest: o.Manifest,
		models: &models{
			caller: &caller{catalog: o.Catalog, pace: o.Pace, waiting: o.Waiting},
			known:  make(map[string]*known),
		},
		history: h, retryRefused: o.RetryRefused, rolls: rolls,
		shapes:   shapes{account: o.Account, byKey: make(map[string]*priced)},
		names:    manifest.NewNames(),
		spool:    into,
		content:  sha256.New(),
		pictures: newPictures(&o), marks: o.Marks, chains: make(map[string]bool),
	}
}

// read checks every row, counts into the plan, and spools the jobs. What is wrong with
// rows is collected; an error is what kept it from reading on.
func (s *scan) read(ctx context.Context, p *Plan) error {
	needs, err := s.manifest.Needs()
	if err != nil {
		return err
	}
	s.made = newMade(needs, s.marks)
	for row, err := range prefetch(ctx, s.manifest.RowsContext(ctx)) {
		if err != nil {
			if err := s.problems.addError(err); err != nil {
				return err
			}
			continue
		}
		if row.Step == "" {
			p.Rows++
		}
		if err := s.rowAndDeferred(ctx, p, row); err != nil {
			return err
		}
	}
	if s.problems.err() == nil { // otherwise the need may be one of the rows with a problem
		s.unmet()
	}
	if err := s.spool.seal(); err != nil {
		return err
	}
	return s.compareJobs(ctx)
}

// rowAndDeferred reads a row, and then those that have waited for it.
func (s *scan) rowAndDeferred(ctx context.Context, p *Plan, row *manifest.Row) error {
	s.made.begin(row)
	for rows := []*manifest.Row{row}; len(rows) > 0; rows = rows[1:] {
		read, err := s.row(ctx, p, rows[0])
		if err != nil {
			return err
		}
		if read && len(s.deferred) > 0 {
			rows = append(rows, s.undeferred()...)
		}
	}
	return nil
}

// row reads a row. It reports false where that waits for others.
func (s *scan) row(ctx context.Context, p *Plan, row *manifest.Row) (read bool, err error) {
	k, err := s.models.get(ctx, row.Model)
	if err != nil {
		return false, err
	}
	pictures, ready := s.setPictures(ctx, row, k.checker)
	if !ready {
		s.deferRow(row)
		return false, nil
	}
	if s.made.lacks(row) { // what is wrong with the other row is told there
		s.made.add(row.ID)
		return true, nil
	}
	findings, err := s.models.checkRow(ctx, row, k)
	if err != nil {
		return false, err
	}
	findings = withoutRepeats(findings, pictures)
	s.made.add(row.ID)
	return true, s.jobs(p, row, k, findings)
}

// withoutRepeats joins what is wrong with the pictures of a row with the rest; an input that
// lacks its picture for that reason is not missing.
func withoutRepeats(all, pictures findings) findings {
	for _, f := range pictures {
		input := strings.TrimPrefix(f.field, fieldImage)
		all = slices.DeleteFunc(all, func(other finding) bool { return other.field == fieldParameter+input })
	}
	return append(all, pictures...)
}

// jobs says what is wrong with a row, and makes its jobs.
func (s *scan) jobs(p *Plan, row *manifest.Row, k *known, findings findings) error {
	for _, f := range findings {
		s.problems.addFinding(row, f)
		if f.field == fieldOutput {
			return nil // its names would only repeat the finding
		}
	}
	s.warnings.addRow(row, k.checker)
	fixed := k.checker.fixedSeed(row)
	return k.checker.expand(s.batch, row, s.rolls(row.ID), func(j *job.Job) error {
		for _, name := range j.Outputs {
			s.names.Add(name)
		}
		if len(findings) > 0 {
			return s.spool.add(j, row.Place, unsound, 0, 0)
		}
		twin := uint64(0)
		if fixed {
			twin = s.twins.add(j)
		}
		j.Index, j.Place, j.Variables = p.Jobs, document.Place{File: row.Place.File, Line: row.Place.Line}.String(), row.Variables
		j.PictureInputs, j.Picked = pictureNames(row), row.Picked
		j.PictureNames = s.pictures.namesOf(j)
		status, shape := s.count(p, row, k.checker, j)
		s.note(p, row, j, status, shape)
		return s.spool.add(j, row.Place, status, shape, twin)
	})
}

// count adds a sound job to the plan, and returns the number of its price shape.
func (s *scan) count(p *Plan, row *manifest.Row, c *checker, j *job.Job) (Status, int) {
	s.id = append(s.id[:0], j.ID...)
	s.content.Write(s.id)
	p.Jobs++
	p.Images += len(j.Outputs)
	status := s.history.status(j)
	if status == FailedBefore && s.retryRefused {
		p.RetryRefused = true
		status = New
	}
	if s.made.picks.Add(j, status.Runs()) {
		status = Waiting
	}
	switch status {
	case Kept:
		p.Kept++
		p.KeptImages += len(j.Outputs)
		return status, 0
	case FailedBefore:
		p.FailedBefore++
		p.FailedBeforeCost += s.history.refused[j.ID]
		return status, 0
	case New:
		p.New++
	case Changed:
		p.Changed++
	case Waiting:
		p.Waiting++
		p.WaitingImages += len(j.Outputs)
	}
	if status.Runs() {
		p.addPickedReplaced(j, s.history)
		p.ImagesToRun += len(j.Outputs)
	}
	if status.Runs() && len(p.Samples) < maxSamples {
		p.Samples = append(p.Samples, Sample{Row: j.Row, Status: status, Model: j.Model, Prompt: text.HideSecrets(j.Prompt()), Outputs: j.Outputs})
	}
	shape := s.shapes.add(c, j, row, status == Waiting)
	if shape == nil {
		s.problems.addFinding(row, finding{
			message:    fmt.Sprintf("the jobs have more than %d different prices, each of which would be asked for", maxShapes),
			suggestion: fmt.Sprintf("let the inputs that move the price of %s vary less: %s", j.Model, listed(c.costNames())),
		})
		return unsound, 0
	}
	return status, shape.number
}

// note remembers a job for those that take its images.
func (s *scan) note(p *Plan, row *manifest.Row, j *job.Job, status Status, shape int) {
	taken := s.made.of(row)
	m := madeJob{id: j.ID, images: len(j.Outputs), status: status, chain: s.chain(j.Model, taken)}
	if len(taken) > 0 {
		p.Chained = true
	}
	s.made.add(row.ID, m)
	s.countStep(row, j, status, shape)
}

// compareJobs looks at all jobs once more, if there are names that may be the same, or
// jobs that are alike. Mostly there are none.
func (s *scan) compareJobs(ctx context.Context) error {
	alike := s.twins.alike()
	if s.names.Suspects() == 0 && len(alike) == 0 {
		return nil
	}
	for jobs := s.spool.read(); ; {
		spooled, err := jobs.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		s.compareTwin(spooled, alike)
		if err := s.confirmNames(spooled); err != nil {
			return err
		}
	}
}

// compareTwin warns of a job like an earlier one.
func (s *scan) compareTwin(spooled *spooled, alike map[uint64]document.Place) {
	first, has := alike[spooled.twin]
	switch {
	case !has:
	case first == document.Place{}:
		alike[spooled.twin] = spooled.place
	default:
		s.warnings.add(twin(spooled.place, first))
	}
}

// confirmNames tells names that are the same from those that only look alike to the
// hashes of the first look.
func (s *scan) confirmNames(spooled *spooled) error {
	if s.names.Suspects() == 0 {
		return nil
	}
	outputs, err := spooled.outputs()
	if err != nil {
		return err
	}
	for _, name := range outputs {
		if problem := s.names.Confirm(name, spooled.place); problem != nil {
			s.problems.add(problem)
		}
	}
	return nil
}
