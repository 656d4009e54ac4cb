package manifest

import (
	"strings"

	"nightshift/internal/suggest"
)

// didYouMean returns the suggestion for a name that is not among the known ones,
// or "" if none is near. quote is put around the name: "{%}".
func didYouMean(name string, known []string, quote string) string {
	best := suggest.Nearest(name, known)
	// A name of which no letter is left was not meant.
	if best == "" || suggest.Distance(strings.ToLower(name), strings.ToLower(best)) >= len(name) {
		return ""
	}
	return "did you mean " + strings.Replace(quote, "%", best, 1) + "?"
}
