package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/text"
)

// maxPerRequest is more images than any model makes in one request. It bounds what
// is laid out for a row before its problems are reported.
const maxPerRequest = 1000

// images is how many images a row asks for, and whether it does so by the model's
// own parameter, for a single request.
func (c *checker) images(row *manifest.Row) (n int, single bool) {
	if n, ok := c.explicit(row); ok {
		return min(n, maxPerRequest), true
	}
	return max(row.Samples, 1), false
}

// explicit is the number of images that a row gives by the model's own parameter.
func (c *checker) explicit(row *manifest.Row) (int, bool) {
	if c.count == nil {
		return 0, false
	}
	value := row.Parameters[c.count.Name]
	if _, number := value.(json.Number); !number && c.count.Type != job.TypeString {
		return 0, false
	}
	n, err := strconv.Atoi(written(value))
	return n, err == nil && n > 0
}

func (c *checker) checkSamples(row *manifest.Row) finding {
	if n, ok := c.explicit(row); ok {
		return c.checkExplicit(row, n)
	}
	images, _ := c.images(row)
	most := c.requestSize(images)
	if seed := row.Parameters[job.SeedInput]; given(seed) && most < images && c.seed != nil {
		return finding{
			message: fmt.Sprintf("seed %s is fixed and %d images need more than one request to %s, which makes %d at most: "+
				"the same images would be bought again", written(seed), images, c.model.ID, most),
			suggestion: fmt.Sprintf("write samples: %d, or take the seed out, or make it an axis", most),
		}
	}
	return c.checkSizes(images)
}

func (c *checker) checkExplicit(row *manifest.Row, n int) finding {
	switch {
	case row.Samples > 0:
		return finding{
			message:    fmt.Sprintf("the number of images is given twice: samples is %d and %s is %d", row.Samples, c.count.Name, n),
			suggestion: fmt.Sprintf("take %s out; samples are bundled into as few requests as the model allows", c.count.Name),
		}
	case n > maxPerRequest:
		return finding{
			message:    fmt.Sprintf("%s asks for %d images in one request; here it may ask for %d", c.count.Name, n, maxPerRequest),
			suggestion: "write samples, which are bundled into as few requests as the model allows",
		}
	}
	return finding{}
}

// checkSizes finds a request smaller than the model takes.
func (c *checker) checkSizes(images int) finding {
	if c.count == nil || (c.count.min <= 1 && len(c.sizes) == 0) {
		return finding{}
	}
	for left := images; left > 0; {
		size := c.requestSize(left)
		if float64(size) < c.count.min || len(c.sizes) > 0 && !slices.Contains(c.sizes, size) {
			return finding{message: fmt.Sprintf("%d samples leave a request of %s, which %s does not take", images, text.Count(size, "image"), c.model.ID)}
		}
		left -= size
	}
	return finding{}
}

// checkOutput finds names that cannot be filled in, or would be one for several
// images.
func (c *checker) checkOutput(row *manifest.Row) finding {
	if images, _ := c.images(row); images > 1 && !row.Output.Uses(openNumber) {
		return finding{
			message:    fmt.Sprintf("%d images would be stored under the one name %q", images, row.Output.String()),
			suggestion: "put {n} into the output, the number of the image",
		}
	}
	if row.Output.Uses(openSeed) && c.seed == nil && !given(row.Parameters[job.SeedInput]) {
		return finding{
			message:    fmt.Sprintf("the output has {seed}, but %s has no seed", c.model.ID),
			suggestion: "use {n} or {hash8}",
		}
	}
	return finding{}
}
