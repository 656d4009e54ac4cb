package plan

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/suggest"
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

// undoCells undoes the guesses that a table's cells make of a value's type, where the
// model wants a text.
func (c *checker) undoCells(row *manifest.Row) {
	for name, value := range row.Parameters {
		if _, ok := value.(string); ok {
			continue
		}
		in := c.inputs[name]
		if in == nil || in.Type.Array() || in.Type == job.TypeNumber || in.Type == job.TypeBoolean {
			continue
		}
		if cell, ok := row.CellText(name); ok {
			row.Parameters[name] = cell
		}
	}
}

// checkRow compares a row with its model; the order of the findings is always the same.
// Afterwards the row's parameters are all that it asks for by the model's names, the
// prompt included, but not the number of images. It returns an error where the provider
// gives no answer about a model that the row names.
func (m *models) checkRow(ctx context.Context, row *manifest.Row, k *known) ([]finding, error) {
	c := k.checker
	var findings findings
	findings.add(k.refusal, fieldModel, "")
	findings.add(c.checkOutput(row), fieldOutput, "")
	if len(c.inputs) == 0 {
		return findings, nil // of a model that does not run, only the names are checked
	}
	c.undoCells(row)
	findings.add(c.checkPrompt(row), fieldPrompt, "")
	findings.add(c.checkSamples(row), fieldSamples, "")
	for name, value := range row.Parameters {
		f, err := m.checkParameter(ctx, c, row, name, value)
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
	if row.Prompt != "" && c.prompt != nil {
		row.Parameters[c.prompt.Name] = row.Prompt
	}
	for _, in := range c.required {
		if in.takesPictures() && c.misnamed(row) {
			continue // it is most likely the one that was meant
		}
		if f := c.missing(in, row.Parameters); in == c.prompt {
			findings.add(promptMeant(f, row), fieldPrompt, "")
		} else {
			findings.add(f, fieldParameter, in.Name)
		}
	}
	slices.SortStableFunc(findings, func(a, b finding) int { return cmp.Compare(a.field, b.field) })
	return findings, nil
}

// misnamed reports whether a row gives pictures to an input that the model does not have.
func (c *checker) misnamed(row *manifest.Row) bool {
	return slices.ContainsFunc(row.Images, func(in manifest.ImageInput) bool { return c.inputs[in.Name] == nil })
}

// promptNames are what tables of other tools call the prompt, and others call a remark.
var promptNames = []string{"text", "caption", "description", "instruction", "input", "subject", "title"}

// promptMeant adds to a missing prompt which of the row's variables may be it.
func promptMeant(f finding, row *manifest.Row) finding {
	if !f.found() || f.suggestion != "" {
		return f
	}
	for _, name := range row.Unused {
		if slices.Contains(promptNames, suggest.Fold(name)) {
			f.suggestion = fmt.Sprintf("is it in %s? Name that prompt, or write {%s} into a prompt", name, name)
			break
		}
	}
	return f
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

func (c *checker) checkPrompt(row *manifest.Row) finding {
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
	return c.prompt.check(row.Prompt)
}
