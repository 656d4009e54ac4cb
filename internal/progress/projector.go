package progress

import "nightshift/internal/job"

// enoughToProject is how many images must have been paid before their price says
// something about the others.
const enoughToProject = 10

// projector says what a run will have spent in the end, from what its images cost
// since the view began.
type projector struct {
	begun bool
	spent job.CU
	done  int
}

// observe returns the amount, 0 while it is not known.
func (p *projector) observe(s *Snapshot) job.CU {
	if s.Phase != Running && !p.begun {
		return 0 // what earlier runs have spent may not be counted yet
	}
	if !p.begun {
		p.begun, p.spent, p.done = true, s.CU.Spent, s.Images.Done
	}
	landed, remaining := s.Images.Done-p.done, s.Images.Total-s.Images.Done
	if landed < enoughToProject || remaining <= 0 || s.CU.Spent <= p.spent {
		return 0
	}
	perImage := float64(s.CU.Spent-p.spent) / float64(landed)
	return s.CU.Spent + job.CU(perImage*float64(remaining))
}
