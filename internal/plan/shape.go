package plan

import (
	"strconv"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/text"
)

// Shape is a model with the values that move its price: jobs of one shape cost
// the same, so that one dry run prices all of them.
type Shape struct {
	Model string `json:"model"`
	// Inputs are the values that move the price; files stand by their number, and
	// a value equal to the model's default is left out unless it is the number of
	// images.
	Inputs job.Inputs `json:"inputs"`
	Jobs   int        `json:"jobs"`   // to run
	Images int        `json:"images"` // of those jobs
	Each   job.CU     `json:"each"`   // the price of one job
	// Waiting are jobs that wait for a pick; they are not among Jobs and Total.
	Waiting int `json:"waiting,omitempty"`
	// Estimate says that the price was asked for with a placeholder in place of pictures.
	Estimate bool   `json:"estimate,omitempty"`
	Total    job.CU `json:"total"`
	// Parts are the parts of the price of one job, as the provider names them.
	Parts map[string]job.CU `json:"parts,omitempty"`
	Asked time.Time         `json:"asked"` // when the price was asked for
}

// priced is a shape with the job that stands for it in its dry run.
type priced struct {
	Shape
	number   int // among the plan's shapes
	example  job.Inputs
	pictures []string      // the inputs of the example that hold pictures
	row      *manifest.Row // that the example comes from
	quoteKey string
	recalled bool // the price is from an earlier plan
}

func (p *priced) set(quote job.Quote, asked time.Time) {
	p.Each, p.Parts, p.Asked = quote.Total, quote.Parts, asked
	p.Total = p.Each * job.CU(p.Jobs)
}

// maxShapes bounds the dry runs of one plan: at the documented rate of 100
// requests a minute so many take 20 minutes.
const maxShapes = 2000

// shapes collects the price shapes of a plan, in the order of their first jobs.
type shapes struct {
	account string
	byKey   map[string]*priced
	order   []*priced
	key     []byte // reused
}

// add counts a job that is to run and returns its shape, of which the first job is the
// example. It returns nil where there are too many shapes to ask for the price of
// another.
func (s *shapes) add(c *checker, j *job.Job, row *manifest.Row, waits bool) *priced {
	s.key = c.appendShape(s.key[:0], j.Inputs)
	shape := s.byKey[string(s.key)]
	if shape == nil {
		if len(s.order) == maxShapes {
			return nil
		}
		shape = &priced{
			Shape:    Shape{Model: j.Model, Inputs: c.shapeInputs(j.Inputs)},
			number:   len(s.order),
			example:  j.Inputs,
			row:      row,
			pictures: j.PictureInputs,
			quoteKey: c.quoteKey(s.account, s.key),
		}
		s.byKey[string(s.key)] = shape
		s.order = append(s.order, shape)
	}
	shape.Estimate = shape.Estimate || len(j.Pictures()) > 0
	if waits {
		shape.Waiting++
		return shape
	}
	shape.Jobs++
	shape.Images += len(j.Outputs)
	return shape
}

func (c *checker) costNames() []string {
	names := make([]string, len(c.cost))
	for i, in := range c.cost {
		names[i] = in.Name
	}
	return names
}

// appendShape writes the key of the inputs' shape: names and values, each with
// its length, so that no two shapes share one.
func (c *checker) appendShape(key []byte, inputs job.Inputs) []byte {
	key = appendPart(key, c.model.ID)
	for _, in := range c.cost {
		value, ok := in.priceValue(inputs)
		if !ok {
			continue
		}
		key = appendPart(key, in.Name)
		if n, ok := value.(string); ok {
			key = appendPart(append(key, '"'), n)
		} else {
			key = appendPart(key, written(value))
		}
	}
	return key
}

func appendPart(key []byte, part string) []byte {
	key = strconv.AppendInt(key, int64(len(part)), 10)
	key = append(key, ':')
	return append(key, part...)
}

func (c *checker) shapeInputs(inputs job.Inputs) job.Inputs {
	values := make(job.Inputs, len(c.cost))
	for _, in := range c.cost {
		value, ok := in.priceValue(inputs)
		if said, isText := value.(string); isText {
			value = text.HideSecrets(said)
		}
		if ok {
			values[in.Name] = value
		}
	}
	return values
}

// priceValue is what of an input's value moves the price: the number of files
// (their content does not), otherwise the value. It is false for a value that is
// left out or equals the default, which are priced alike; the number of images is
// always sent and always shown.
func (in *input) priceValue(inputs job.Inputs) (any, bool) {
	value, ok := inputs[in.Name]
	if !ok || value == nil {
		return nil, false
	}
	switch in.Type {
	case job.TypeFileArray:
		items, _ := value.([]any)
		return job.NormalValue(len(items)), len(items) > 0
	case job.TypeFile:
		return job.NormalValue(1), value != ""
	}
	return value, in.counts || in.def == nil || written(value) != in.defText
}
