package plan

import (
	"strings"

	"nightshift/internal/manifest"
)

// unused finds a variable without effect that is an input of the model, in any
// case of its letters: the provider would take its own default, and charge for it.
func (c *checker) unused(row *manifest.Row, variable string) finding {
	in := c.folded[strings.ToLower(variable)]
	if in == nil {
		return finding{}
	}
	meant := fieldParameter + in.Name
	switch {
	case in == c.prompt && row.Prompt != "", in.counts && row.Samples > 0:
		return finding{} // the row says it by its own field
	case in == c.prompt:
		meant = fieldPrompt
	case in.counts:
		meant = fieldSamples
	}
	return finding{
		message:    variable + " is taken for a variable, but nothing uses it",
		suggestion: "did you mean " + meant + "?",
	}
}
