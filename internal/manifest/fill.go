package manifest

import (
	"fmt"
	"strings"

	"nightshift/internal/suggest"
)

// fault is what is wrong with the placeholders of a text.
type fault struct {
	name    string // the unknown variable, or ""
	message string
}

// templated reports whether a text has braces to be filled or halved.
func templated(raw string) bool { return strings.ContainsAny(raw, braces) }

const braces = "{}"

// fill returns raw with each {name} replaced by what lookup says and {{ and }} by
// single braces. It goes on after a fault, so that all of them are found.
func fill(raw string, lookup func(name string) (string, bool)) (string, []fault) {
	if !templated(raw) {
		return raw, nil
	}
	filled, faults := appendFilled(nil, raw, lookup)
	return string(filled), faults
}

// appendFilled is fill into memory of the caller.
func appendFilled(filled []byte, raw string, lookup func(name string) (string, bool)) ([]byte, []fault) {
	var faults []fault
	for rest := raw; ; {
		at := strings.IndexAny(rest, braces)
		if at < 0 {
			return append(filled, rest...), faults
		}
		filled = append(filled, rest[:at]...)
		found := rest[at]
		rest = rest[at+1:]
		if rest != "" && rest[0] == found {
			filled, rest = append(filled, found), rest[1:]
			continue
		}
		end := strings.IndexAny(rest, braces)
		if found == '}' || end < 0 || rest[end] == '{' {
			faults = append(faults, fault{message: fmt.Sprintf("a single %c stands alone", found)})
			continue
		}
		name := strings.TrimSpace(rest[:end])
		rest = rest[end+1:]
		value, known := lookup(name)
		if !known {
			faults = append(faults, fault{name: name, message: "unknown variable {" + name + "}"})
		}
		filled = append(filled, value...)
	}
}

// suggestion says what to do about a fault, given the names that are known.
func (f fault) suggestion(known []string) string {
	if f.name == "" {
		return "write {{ or }} for a brace itself"
	}
	if strings.Contains(f.name, "|") {
		return "no wildcards are drawn here: " + wildcardHint
	}
	if near := suggest.DidYouMean(f.name, known, "{%}"); near != "" {
		return near
	}
	if len(known) == 0 {
		return "there are no variables here; write {{ for a brace itself"
	}
	const shown = 8
	listed := "{" + strings.Join(known[:min(shown, len(known))], "}, {") + "}"
	if len(known) > shown {
		listed += ", …"
	}
	return "known are " + listed
}
