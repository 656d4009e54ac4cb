package plan

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
)

// The fields of a row, as manifest.Row.Places names them.
const (
	fieldModel     = "model"
	fieldPrompt    = "prompt"
	fieldSamples   = "samples"
	fieldOutput    = "output"
	fieldSeed      = "seed"
	fieldParameter = "parameters."
)

// The names that an output template may leave open.
const (
	openNumber = "n"
	openSeed   = "seed"
	openHash   = "hash8"
)

// asked is what the row asks for, by the model's names: its parameters and its
// prompt, but not the number of images.
func (c *checker) asked(row *manifest.Row) job.Inputs {
	inputs := make(job.Inputs, len(row.Parameters)+3)
	for name, value := range row.Parameters {
		inputs[name] = c.fromCell(row, name, value)
	}
	if row.Prompt != "" && c.prompt != nil {
		inputs[c.prompt.Name] = row.Prompt
	}
	return inputs
}

// fromCell undoes the guess that a table's cell makes of a value's type, where
// the model wants a text.
func (c *checker) fromCell(row *manifest.Row, name string, value any) any {
	if _, ok := value.(string); ok {
		return value
	}
	in := c.inputs[name]
	if in == nil || in.Type.Array() || in.Type == job.TypeNumber || in.Type == job.TypeBoolean {
		return value
	}
	if cell, ok := row.CellText(name); ok {
		return cell
	}
	return value
}

// checkRow compares a row, and what it asks for, with its model; the order of the
// findings is always the same. It returns an error where the provider gives no
// answer about a model that the row names.
func (m *models) checkRow(ctx context.Context, row *manifest.Row, k *known, asked job.Inputs) ([]finding, error) {
	c := k.checker
	var findings findings
	findings.add(k.refusal, fieldModel, "")
	findings.add(c.checkOutput(row), fieldOutput, "")
	if len(c.inputs) == 0 {
		return findings, nil // of a model that does not run, only the names are checked
	}
	findings.add(c.checkPrompt(row, asked), fieldPrompt, "")
	findings.add(c.checkSamples(row), fieldSamples, "")
	for name := range row.Parameters {
		f, err := m.checkParameter(ctx, c, row, name, asked[name])
		if err != nil {
			return nil, err
		}
		if name == job.SeedInput && row.SeedAxis {
			findings.add(f, fieldSeed, "")
		} else {
			findings.add(f, fieldParameter, name)
		}
	}
	for _, name := range row.Unused {
		findings.add(c.unused(row, name), name, "")
	}
	for _, in := range c.required {
		if f := c.missing(in, asked); in == c.prompt {
			findings.add(f, fieldPrompt, "")
		} else {
			findings.add(f, fieldParameter, in.Name)
		}
	}
	slices.SortStableFunc(findings, func(a, b finding) int { return cmp.Compare(a.field, b.field) })
	return findings, nil
}

// findings are those of one row.
type findings []finding

// add appends a finding, if it is one, with the name of its field in two parts,
// which are joined only then: most rows have nothing wrong.
func (all *findings) add(f finding, field, name string) {
	if f.found() {
		f.field = field + name
		*all = append(*all, f)
	}
}

func (c *checker) checkPrompt(row *manifest.Row, asked job.Inputs) finding {
	switch {
	case row.Prompt == "":
		return finding{}
	case c.prompt == nil:
		return finding{
			message:    c.model.ID + " takes no prompt",
			suggestion: "take the prompt out, or use a model that has one",
		}
	}
	if _, twice := row.Parameters[c.prompt.Name]; twice {
		return finding{
			message:    fmt.Sprintf("the prompt is given twice, as prompt and as the parameter %s", c.prompt.Name),
			suggestion: "take one of them out",
		}
	}
	return c.prompt.check(asked[c.prompt.Name])
}
