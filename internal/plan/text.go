package plan

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"nightshift/internal/job"
	"nightshift/internal/suggest"
	"nightshift/internal/text"
)

func (in *input) checkString(value any) finding {
	s, ok := value.(string)
	if !ok {
		f := in.wrongType(value, "a text")
		composed, group := value.(map[string]any)
		switch {
		case len(composed) == 1:
			f.suggestion = "quote a text that holds a colon: \"16:9\""
		case !group:
			f.suggestion = fmt.Sprintf("write %s: %s, in quotes", in.Name, literal(written(value)))
		}
		return f
	}
	if in.allowed != nil && !in.allowed[s] {
		return in.notAllowed(value)
	}
	// A text of no more bytes than the limit has no more characters either.
	if in.MaxLength != nil && len(s) > *in.MaxLength {
		if count := utf8.RuneCountInString(s); count > *in.MaxLength {
			return finding{
				message: fmt.Sprintf("%s is %s long, but the model takes at most %d; "+
					"the provider refuses it and nothing here cuts it", in.Name, text.Count(count, "character"), *in.MaxLength),
				suggestion: fmt.Sprintf("shorten it by %d", count-*in.MaxLength),
			}
		}
	}
	if in.MinLength != nil && utf8.RuneCountInString(s) < *in.MinLength {
		return finding{message: fmt.Sprintf("%s is %s long, but the model wants at least %d",
			in.Name, text.Count(utf8.RuneCountInString(s), "character"), *in.MinLength)}
	}
	return finding{}
}

func (in *input) notAllowed(value any) finding {
	allowed := make([]string, len(in.AllowedValues))
	for i, value := range in.AllowedValues {
		allowed[i] = written(value)
	}
	f := finding{message: fmt.Sprintf("%s is %s, but the model takes one of %s",
		in.Name, text.Shown(literal(value), shownLength), listed(allowed))}
	if near := suggest.Nearest(written(value), allowed); near != "" {
		f.suggestion = fmt.Sprintf("did you mean %q?", near)
	}
	return f
}

// checkFile wants the id of an asset, or the file itself as a data URL; links and
// paths are refused by the provider, some of them only when the job runs.
func (in *input) checkFile(value any) finding {
	s, ok := value.(string)
	if !ok {
		return in.wrongType(value, "the id of an asset")
	}
	if _, named := job.ParsePicture(s); named || strings.HasPrefix(s, "data:") || !strings.ContainsAny(s, `/\. `) {
		return finding{}
	}
	return finding{
		message:    fmt.Sprintf("%s is %s, but the model wants the id of an asset, not a path or a link", in.Name, text.Shown(literal(value), shownLength)),
		suggestion: "give it under images, as images: {" + in.Name + ": " + text.Shown(s, shownLength) + "}",
	}
}
