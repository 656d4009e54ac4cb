package plan

import (
	"fmt"
	"strconv"
	"strings"

	"nightshift/internal/document"
	"nightshift/internal/job"
	"nightshift/internal/text"
)

// finding is something wrong in one field of a row.
type finding struct {
	field      string // as manifest.Row.Places names it
	message    string
	suggestion string
	place      document.Place // if it is not that of the field
}

func (f finding) found() bool { return f.message != "" }

// check compares a value with the input's type and bounds. The result is empty
// where nothing is wrong; its field is left to the caller.
func (in *input) check(value any) finding {
	if value == nil {
		return finding{message: in.Name + " has no value", suggestion: "give it one or take it out"}
	}
	items, list := value.([]any)
	switch {
	case in.Type.Array() && !list:
		return finding{
			message: fmt.Sprintf("%s is a single value where the model wants a list; "+
				"the provider drops it without a word and charges all the same", in.Name),
			suggestion: fmt.Sprintf("write %s: %s", in.Name, literal([]any{value})),
		}
	case in.Type.Array():
		return in.checkList(items)
	case list:
		return in.listForScalar(items)
	default:
		return in.checkScalar(value)
	}
}

func (in *input) listForScalar(items []any) finding {
	f := finding{message: in.Name + " is a list where the model wants a single value"}
	if len(items) == 1 {
		f.suggestion = fmt.Sprintf("write %s: %s", in.Name, literal(items[0]))
	}
	return f
}

// checkList checks the number of items and each of them. The provider lets items
// below the minimum pass; here they are held to the model's own bounds. In a list of texts
// the lengths are those of each text.
func (in *input) checkList(items []any) finding {
	counted := in.Type != job.TypeStringArray
	if counted && in.MaxLength != nil && len(items) > *in.MaxLength {
		return finding{message: fmt.Sprintf("%s has %s, but the model takes at most %d", in.Name, text.Count(len(items), "item"), *in.MaxLength)}
	}
	if counted && in.MinLength != nil && len(items) < *in.MinLength {
		return finding{message: fmt.Sprintf("%s has %s, but the model wants at least %d", in.Name, text.Count(len(items), "item"), *in.MinLength)}
	}
	for i, item := range items {
		if f := in.checkScalar(item); f.found() {
			f.message = fmt.Sprintf("item %d: %s", i+1, f.message)
			return f
		}
	}
	return finding{}
}

// checkScalar checks a single value, or one item of a list.
func (in *input) checkScalar(value any) finding {
	switch in.Type {
	case job.TypeNumber, job.TypeNumberArray:
		return in.checkNumber(value)
	case job.TypeString, job.TypeStringArray:
		return in.checkString(value)
	case job.TypeBoolean:
		return in.checkBoolean(value)
	case job.TypeFile, job.TypeFileArray:
		return in.checkFile(value)
	case job.TypeModel, job.TypeModelArray:
		if _, ok := value.(string); !ok {
			return in.wrongType(value, "the id of a model")
		}
	case job.TypeInputsArray:
		if _, ok := value.(map[string]any); !ok {
			return in.wrongType(value, "an object")
		}
	}
	return finding{} // a type that is not known here is left to the dry run
}

func (in *input) wrongType(value any, wanted string) finding {
	return finding{message: fmt.Sprintf("%s is %s, but the model wants %s", in.Name, text.Shown(literal(value), shownLength), wanted)}
}

func (in *input) checkBoolean(value any) finding {
	if _, ok := value.(bool); ok {
		return finding{}
	}
	f := in.wrongType(value, "true or false")
	if text, ok := value.(string); ok {
		if wish, err := strconv.ParseBool(strings.ToLower(text)); err == nil {
			f.suggestion = fmt.Sprintf("write %s: %t, without quotes", in.Name, wish)
		}
	}
	return f
}

// decimal writes a number in full, as a person would.
func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// shown is how many characters of a value a message shows.
const shownLength = 60

func listed(names []string) string { return listedOf(names, len(names)) }

// listedOf lists the first of so many names.
func listedOf(names []string, all int) string {
	const most = 12
	if all > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:min(most, len(names))], ", "), all-most)
	}
	return strings.Join(names, ", ")
}
