package manifest

import (
	"errors"
	"fmt"
	"strings"

	"nightshift/internal/job"
)

// Layout is a template for the names under which images leave the folder of their batch: an
// output of which everything is known.
type Layout struct{ text string }

// ParseLayout reads a layout. The error is a [job.HintedError].
func ParseLayout(text string) (Layout, error) {
	if message, suggestion := templateFault(text); message != "" {
		return Layout{}, layoutError(message, suggestion)
	}
	return Layout{text}, nil
}

// Name fills the layout with what lookup says, made safe for file names; known are the
// names that it has, for suggestions. It is a path below a folder, and the error a
// [job.HintedError].
func (l Layout) Name(lookup func(name string) (string, bool), known []string) (string, error) {
	empty := ""
	name, faults := fill(l.text, func(name string) (string, bool) {
		value, has := lookup(name)
		safe := slug(value)
		if has && safe == "" {
			empty = name
		}
		return safe, has
	})
	if len(faults) > 0 {
		return "", &job.HintedError{Err: errors.New(faults[0].message), Hint: faults[0].suggestion(known)}
	}
	if empty != "" {
		return "", &job.HintedError{Err: fmt.Errorf("{%s} leaves nothing for a file name", empty), Hint: "leave it out, or use {id}"}
	}
	if message, suggestion := nameFault(name); message != "" {
		return "", layoutError(message, suggestion)
	}
	return name, nil
}

// layoutError says of a layout what else is said of an output in a batch's folder.
func layoutError(message, suggestion string) error {
	message = strings.NewReplacer("output ", "the name ", "the batch's folder", "the folder").Replace(message)
	return &job.HintedError{Err: errors.New(message), Hint: suggestion}
}

// FoldName brings names that a file system may take for one into one form.
func FoldName(name string) string { return foldName(name) }

// ScalarText is a parameter as templates write it; ok is false for lists and objects.
func ScalarText(value any) (text string, ok bool) { return scalarText(value) }
