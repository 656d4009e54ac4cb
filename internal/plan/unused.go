package plan

import (
	"nightshift/internal/manifest"
)

// unused finds a variable without effect that means an input of the model or a field
// of the row: the provider would take its own default, and charge for it.
func (c *checker) unused(row *manifest.Row, variable string) finding {
	meant := c.meantBy(row, variable)
	if meant == "" {
		return finding{}
	}
	return finding{
		message:    variable + " is taken for a variable, but nothing uses it",
		suggestion: "did you mean " + meant + "?",
	}
}

// meantBy is the parameter or field that an unused variable means, or "" where none
// surely is, or where the row says it by that already.
func (c *checker) meantBy(row *manifest.Row, variable string) string {
	in := c.meant(variable, row.Variables[variable])
	if in != nil && in.takesPictures() || in == nil && isPicture(row, variable) {
		if taking := c.pictureInput(row, variable); taking != nil {
			return fieldImage + taking.Name
		}
		return ""
	}
	switch {
	case in == nil:
		return row.Meant[variable]
	case in == c.prompt && row.Prompt != "", in.counts && row.Samples > 0, row.Gives(in.Name):
		return ""
	case in == c.prompt:
		return fieldPrompt
	case in.counts:
		return fieldSamples
	case in == c.seed:
		return fieldSeed
	default:
		return fieldParameter + in.Name
	}
}
