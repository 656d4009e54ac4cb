package plan

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/suggest"
)

// checkParameter checks one parameter; value is what is asked for under its name.
func (m *models) checkParameter(ctx context.Context, c *checker, row *manifest.Row, name string, value any) (finding, error) {
	in := c.inputs[name]
	if in == nil {
		return c.unknown(row, name, value), nil
	}
	if in == c.prompt && row.Prompt != "" {
		return finding{}, nil // given twice, which the prompt's own check says
	}
	if f := in.check(value); f.found() {
		return f, nil
	}
	switch in.Type {
	case job.TypeModel:
		return m.checkNamed(ctx, c, in, value)
	case job.TypeModelArray:
		items, _ := value.([]any)
		for _, item := range items {
			if f, err := m.checkNamed(ctx, c, in, item); err != nil || f.found() {
				return f, err
			}
		}
	}
	return finding{}, nil
}

// unknown names what may have been meant by a parameter that the model lacks.
func (c *checker) unknown(row *manifest.Row, name string, value any) finding {
	if name == job.SeedInput {
		return c.noSeed(row)
	}
	f := finding{message: fmt.Sprintf("%s has no parameter %q", c.model.ID, name)}
	switch in, near := c.meant(name, written(value)), suggest.Nearest(name, slices.Sorted(maps.Keys(c.inputs))); {
	case slices.Contains(job.CountInputs, name) && c.count != nil:
		f.suggestion = fmt.Sprintf("its number of images is %s; better write samples", c.count.Name)
	case slices.Contains(job.CountInputs, name):
		f.suggestion = "it makes one image a request; write samples for more"
	case in != nil:
		f.suggestion = fmt.Sprintf("did you mean %q?", in.Name)
	case near != "":
		f.suggestion = fmt.Sprintf("did you mean %q?", near)
	default:
		f.suggestion = "it has " + listed(slices.Sorted(maps.Keys(c.inputs)))
	}
	return f
}

func (c *checker) noSeed(row *manifest.Row) finding {
	if row.SeedAxis {
		return finding{
			message: fmt.Sprintf("the seeds buy nothing: %s has no seed, so rows that differ "+
				"only by it are one request, paid for again and again", c.model.ID),
			suggestion: "take the seeds out, and write samples for more images of one prompt",
		}
	}
	return finding{
		message:    c.model.ID + " has no seed; its images cannot be made again",
		suggestion: "take the seed out",
	}
}

// checkNamed checks a model that a parameter names, a LoRA above all.
func (m *models) checkNamed(ctx context.Context, c *checker, in *input, value any) (finding, error) {
	id, _ := value.(string)
	if id == "" {
		return finding{}, nil // names none, as its default does
	}
	named, err := m.get(ctx, id)
	if err != nil {
		return finding{}, err
	}
	if !named.exists {
		f := named.refusal
		f.message = in.Name + ": " + f.message
		return f, nil
	}
	model := named.checker.model
	if len(in.ModelTypes) > 0 && !slices.Contains(in.ModelTypes, model.Type) {
		f := finding{message: fmt.Sprintf("%s names %s of type %s, but takes only %s", in.Name, id, model.Type, listed(in.ModelTypes))}
		if other := c.inputFor(model.Type); other != nil {
			f.suggestion = fmt.Sprintf("name it in the parameter %s", other.Name)
		}
		return f, nil
	}
	if model.Status != trained {
		return finding{
			message:    fmt.Sprintf("%s names %s, which is not ready: its status is %q", in.Name, id, model.Status),
			suggestion: "wait until its training has ended",
		}, nil
	}
	return finding{}, nil
}

// inputFor returns the model's input that takes models of a type, or nil.
func (c *checker) inputFor(modelType string) *input {
	for i := range c.model.Inputs {
		if slices.Contains(c.model.Inputs[i].ModelTypes, modelType) {
			return c.inputs[c.model.Inputs[i].Name]
		}
	}
	return nil
}
