package batch

import "nightshift/internal/job"

// PickTally is how the images of a batch are marked.
type PickTally struct {
	Images   int // that were made
	Picked   int
	Rejected int
}

// CountPicks counts the images that were made by their marks.
func CountPicks(p *Picks, images []PlannedImage) (t PickTally) {
	for i := range images {
		if images[i].Made {
			t.Add(p.Of(images[i].Picture()))
		}
	}
	return t
}

// Add counts one image.
func (t *PickTally) Add(m job.Mark) {
	t.Images++
	switch m {
	case job.Picked:
		t.Picked++
	case job.Rejected:
		t.Rejected++
	case job.Unmarked:
	}
}

// Unmarked is how many images have neither mark.
func (t PickTally) Unmarked() int { return t.Images - t.Picked - t.Rejected }

// Picks are the figures of the marks where so much was spent for all images, those that were
// not picked included; nil where none is marked.
func (t PickTally) Picks(spent job.CU) *job.Picks {
	if t.Picked+t.Rejected == 0 {
		return nil
	}
	p := &job.Picks{Picked: t.Picked, Rejected: t.Rejected, Unmarked: t.Unmarked()}
	if t.Picked > 0 {
		each := (spent + job.CU(t.Picked)/2) / job.CU(t.Picked)
		p.CUPerPicked = &each
	}
	return p
}
