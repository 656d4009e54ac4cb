package plan

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"nightshift/internal/document"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/suggest"
	"nightshift/internal/text"
)

// warnings collects what of a manifest is hardly meant as it reads, and yet can run.
type warnings struct {
	problems
	unused []string // names of variables that nothing uses
	// pictured are those of them that name pictures for a model that takes none.
	pictured []string
	hidden   int    // and how many more there are
	file     string // of the rows that have them
	sized    string // a model that takes width and height
}

// maxUnused bounds the names that are kept.
const maxUnused = 100

// addRow takes the warnings of a row.
func (w *warnings) addRow(row *manifest.Row, c *checker) {
	for _, warning := range row.Warnings {
		w.add(warning)
	}
	for _, name := range row.Unused {
		switch {
		case slices.Contains(w.unused, name):
		case len(w.unused) == maxUnused:
			w.hidden = max(w.hidden, len(row.Unused)-maxUnused)
		default:
			w.unused = append(w.unused, name)
			if isPicture(row, name) {
				w.pictured = append(w.pictured, name)
			}
		}
	}
	if len(row.Unused) == 0 {
		return
	}
	w.file = row.Place.File
	if c.inputs["width"] != nil && c.inputs["height"] != nil {
		w.sized = c.model.ID
	}
}

// list returns all warnings, each as a line, in the order of the file. It is never nil.
func (w *warnings) list() []string {
	if len(w.unused) > 0 {
		w.add(w.aboutUnused())
	}
	all := []string{}
	for _, problem := range w.listed().List {
		all = append(all, problem.Error())
	}
	if more := w.listed().More; more > 0 {
		all = append(all, fmt.Sprintf("and %d more warnings", more))
	}
	return all
}

// aboutUnused tells of all variables that nothing uses in one line.
func (w *warnings) aboutUnused() *document.Problem {
	what := "fields"
	if extension := strings.ToLower(filepath.Ext(w.file)); extension == ".csv" || extension == ".tsv" {
		what = "columns"
	}
	names := make([]string, len(w.unused))
	for i, name := range w.unused {
		names[i] = text.Shown(name, shownLength)
	}
	told := &document.Problem{
		Place:      document.Place{File: w.file},
		Message:    fmt.Sprintf("nothing uses these %s: %s", what, listedOf(names, len(names)+w.hidden)),
		Suggestion: w.howToUse(),
	}
	var parameters []string
	for _, name := range w.unused {
		if isParameter(name) && !slices.Contains(w.pictured, name) {
			parameters = append(parameters, name)
		}
	}
	if len(parameters) > 0 {
		told.Message += "; the model takes no " + strings.Join(parameters, ", no ")
	}
	if w.sized != "" && slices.ContainsFunc(parameters, isSize) {
		told.Suggestion += "; the size is set by parameters.width and parameters.height"
	}
	return told
}

// howToUse says how the unused variables get to the model: as text, or as a picture.
func (w *warnings) howToUse() string {
	var ways []string
	if at := slices.IndexFunc(w.unused, func(name string) bool { return !slices.Contains(w.pictured, name) }); at >= 0 {
		ways = append(ways, "write {"+text.Shown(w.unused[at], shownLength)+"} in the prompt to use one")
	}
	if len(w.pictured) > 0 {
		ways = append(ways, "to give "+text.Shown(w.pictured[0], shownLength)+" to a model that takes pictures, call it images.NAME, NAME being the input")
	}
	return strings.Join(ways, "; ")
}

// isSize reports whether a name is one for the size or the shape of an image.
func isSize(name string) bool {
	folded := suggest.Fold(name)
	return slices.Contains(synonyms["aspectratio"], folded) || slices.Contains(synonyms["resolution"], folded)
}

// fixedSeed reports whether the row says its seed to a model that has one.
func (c *checker) fixedSeed(row *manifest.Row) bool {
	return c.seed != nil && given(row.Parameters[job.SeedInput])
}
