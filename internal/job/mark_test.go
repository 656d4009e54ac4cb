package job_test

import (
	"testing"

	"nightshift/internal/job"
)

func TestInheritedMark(t *testing.T) {
	t.Parallel()
	image := func(name string) job.Picture { return job.Picture{Job: job.ID(name)} }
	from := map[job.Picture][]job.Picture{
		image("cut"):   {image("axe")},
		image("large"): {image("cut")},
		image("pair"):  {image("axe"), image("bow")},
		image("ring"):  {image("chain"), image("bow")},
		image("chain"): {image("ring")},
	}
	type marks map[string]job.Mark
	for name, c := range map[string]struct {
		marks marks
		image string
		want  job.Mark
	}{
		"nothing marked":         {nil, "large", job.Unmarked},
		"its own":                {marks{"axe": job.Rejected}, "axe", job.Rejected},
		"of what it is made of":  {marks{"axe": job.Picked}, "large", job.Picked},
		"the nearest counts":     {marks{"axe": job.Picked, "cut": job.Rejected}, "large", job.Rejected},
		"its own before others'": {marks{"axe": job.Picked, "large": job.Rejected}, "large", job.Rejected},
		"one of two is picked":   {marks{"axe": job.Rejected, "bow": job.Picked}, "pair", job.Picked},
		"one of two is rejected": {marks{"bow": job.Rejected}, "pair", job.Rejected},
		"in a circle":            {nil, "ring", job.Unmarked},
		"beside a circle":        {marks{"bow": job.Picked}, "chain", job.Picked},
	} {
		own := func(image job.Picture) job.Mark {
			if mark, marked := c.marks[string(image.Job)]; marked {
				return mark
			}
			return job.Unmarked
		}
		if got := job.InheritedMark(image(c.image), own, func(image job.Picture) []job.Picture { return from[image] }); got != c.want {
			t.Errorf("%s: the mark is %q, want %q", name, got, c.want)
		}
	}
}
