package cli

import (
	"context"

	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/job"
	"nightshift/internal/plan"
)

// pickOrder tells which jobs of a plan wait for a pick as the marks are now. It is asked about
// the jobs in their order, in which a job comes after those whose images it takes.
type pickOrder struct {
	picks   *batch.Picks
	waiting map[job.ID]bool
	// of is the image that a job is made of.
	of map[job.ID]job.Picture
}

func readPickOrder(ctx context.Context, b bucket.Objects, id string) (*pickOrder, error) {
	picks, err := batch.ReadPicks(ctx, b, id)
	return &pickOrder{picks: picks, waiting: make(map[job.ID]bool), of: make(map[job.ID]job.Picture)}, err
}

// waits reports whether a job that has no result waits.
func (p *pickOrder) waits(j *plan.PlannedJob) bool {
	waits := false
	for i, picture := range takenImages(&j.Job) {
		if i == 0 {
			p.of[j.ID] = picture
			waits = j.Picked && p.markOf(picture) != batch.Picked
		}
		waits = waits || p.waiting[picture.Job]
	}
	if waits {
		p.waiting[j.ID] = true
	}
	return waits
}

// kept notes a job that has its result.
func (p *pickOrder) kept(j *plan.PlannedJob) {
	if taken := takenImages(&j.Job); len(taken) > 0 {
		p.of[j.ID] = taken[0]
	}
}

// takenImages are the images of other jobs that a job takes.
func takenImages(j *job.Job) []job.Picture {
	var images []job.Picture
	for _, picture := range j.Pictures() {
		if picture.Job != "" {
			images = append(images, picture)
		}
	}
	return images
}

// markOf is what was said of an image or, where nothing was, of what it was made of.
func (p *pickOrder) markOf(image job.Picture) batch.Mark {
	for {
		if mark := p.picks.Of(image.Job, image.Image+1); mark != batch.Unmarked {
			return mark
		}
		before, known := p.of[image.Job]
		if !known {
			return batch.Unmarked
		}
		image = before
	}
}
