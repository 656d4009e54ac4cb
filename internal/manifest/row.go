package manifest

import (
	"nightshift/internal/document"
	"nightshift/internal/job"
)

// Row is one row of a manifest with everything filled in that the manifest
// knows: one item in one combination of the axes. It may be kept, and its
// parameters may be added to and replaced; rows share nothing that changes.
type Row struct {
	Place document.Place
	// ID is the item's id followed by the values of the axes in their order,
	// "health/painterly/1". It is safe as a file name and stable as long as the
	// row is; that it is unique is for [Names] to say of the outputs.
	ID     string
	Model  string
	Prompt string // "" if there is none
	// Parameters are all inputs but the prompt, the seed included if one is given.
	Parameters job.Inputs
	// Images are the inputs that take pictures.
	Images []ImageInput
	// Step is the step that the row is; "" for a row of the items. Picked says that it is
	// made only of an image that a person has picked.
	Step   string
	Picked bool
	// Samples is the number of images, 0 if the manifest does not say.
	Samples int
	Output  Template
	// Variables are the values of the item's variables and of the axes by name.
	Variables map[string]string
	// Unused are the names of those variables of the item and of the defaults that
	// have a value and no effect: no prompt, output, parameter or style asks for
	// them, and the item does not give a parameter of the same name. They may be
	// there for people, or be parameters that were meant.
	Unused []string
	// Meant are the fields that unused variables mean, by a name of other tools.
	Meant map[string]string
	// Pictured are the unused variables whose values name pictures.
	Pictured []string
	// Warnings are what of the row is hardly meant as it reads.
	Warnings []*document.Problem
	// SeedAxis says that the seed comes from an axis or a column, so that rows
	// differ by it.
	SeedAxis bool
	// Places says where a field stands: "prompt", "output", "model", "samples",
	// "seed", "parameters.guidance". It falls back to Place.
	Places func(field string) document.Place

	given func(parameter string) bool
	texts func(parameter string) (string, bool)
}

// Gives reports whether the item itself gives a parameter, rather than a style, an
// axis or the defaults.
func (r *Row) Gives(parameter string) bool { return r.given != nil && r.given(parameter) }

// CellText returns a parameter's text as it stands in a CSV or TSV cell, where
// the type of a value is only guessed: a cell 1 is a number in Parameters, and
// this is for a model that wants the text "1". It reports false for parameters
// that do not come from a cell.
func (r *Row) CellText(parameter string) (string, bool) {
	if r.texts == nil {
		return "", false
	}
	return r.texts(parameter)
}
