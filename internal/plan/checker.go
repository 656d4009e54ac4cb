package plan

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"nightshift/internal/job"
	"nightshift/internal/suggest"
)

// checker is a model prepared for checking and expanding many rows.
type checker struct {
	model      *job.Model
	inputs     map[string]*input
	folded     map[string]*input // by folded name
	prompt     *input            // nil where the model takes no prompt
	count      *input            // nil where each request makes one image
	seed       *input            // nil where the model has none
	required   []*input
	conditions map[string][]condition
	cost       []*input // those that move the price, by name
	sizes      []int    // of a request, where the model names them one by one
}

// plainPrompt is the name of the prompt where no input is marked as it.
const plainPrompt = "prompt"

func newChecker(model *job.Model) *checker {
	c := &checker{
		model:      model,
		inputs:     make(map[string]*input, len(model.Inputs)),
		folded:     make(map[string]*input, len(model.Inputs)),
		conditions: make(map[string][]condition),
	}
	count := model.CountInput()
	for i := range model.Inputs {
		in := prepare(&model.Inputs[i])
		in.counts = in.Input == count
		c.inputs[in.Name], c.folded[suggest.Fold(in.Name)] = in, in
		if in.Prompt && c.prompt == nil {
			c.prompt = in
		}
		if in.Required != nil {
			c.required = append(c.required, in)
			c.conditions[in.Name] = conditionsOf(in.Required)
		}
		// More images never cost the same, whatever the record says.
		if in.CostImpact || in.counts {
			c.cost = append(c.cost, in)
		}
	}
	if c.prompt == nil {
		c.prompt = c.inputs[plainPrompt]
	}
	if count != nil {
		c.count = c.inputs[count.Name]
		c.sizes = allowedSizes(c.count)
	}
	c.seed = c.inputs[job.SeedInput]
	byName := func(a, b *input) int { return cmp.Compare(a.Name, b.Name) }
	slices.SortFunc(c.cost, byName)
	slices.SortFunc(c.required, byName)
	return c
}

// requestSize is how many images of a row's remaining ones the next request makes:
// as many as the model allows. A model whose count has no upper bound is asked for
// one image at a time, because what it would refuse is not known.
func (c *checker) requestSize(left int) int {
	switch {
	case c.count == nil:
		return 1
	case len(c.sizes) > 0:
		for _, size := range slices.Backward(c.sizes) {
			if size <= left {
				return size
			}
		}
		return 1
	case math.IsInf(c.count.max, 1) || c.count.max < 1:
		return 1
	default:
		return int(min(c.count.max, float64(left)))
	}
}

// allowedSizes are the counts that the model names one by one, ascending.
func allowedSizes(count *input) []int {
	var sizes []int
	for _, value := range count.AllowedValues {
		if size, err := strconv.Atoi(written(job.NormalValue(value))); err == nil && size > 0 {
			sizes = append(sizes, size)
		}
	}
	slices.Sort(sizes)
	return sizes
}
