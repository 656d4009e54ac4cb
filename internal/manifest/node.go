package manifest

import (
	"encoding/json"
	"strconv"
	"strings"

	"nightshift/internal/job"
)

// kind is the type of a value as the file writes it.
type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	list
	object
)

// describe names a kind as a person would.
func (k kind) describe() string {
	return [...]string{"nothing", "true or false", "a number", "text", "a list", "a group of fields"}[k]
}

// node is one value of a YAML or JSON file with its place, the common form in
// which both are read.
type node struct {
	kind         kind
	line, column int32
	// text is a scalar as it stands, without quotes and escapes: an id 001 keeps
	// its zeros.
	text string
	// children are the entries of a list or the fields of an object, in order.
	children []field
}

// field is an entry of an object, or of a list, where it has no name.
type field struct {
	name         string
	line, column int32 // of the name
	value        node
}

// get returns the field of this name, or nil.
func (n *node) get(name string) *node {
	for i := range n.children {
		if n.children[i].name == name {
			return &n.children[i].value
		}
	}
	return nil
}

// scalar reports whether the value is a single one.
func (n *node) scalar() bool { return n.kind == boolean || n.kind == number || n.kind == text }

// value returns the node as a value of [job.Inputs].
func (n *node) value() any {
	switch n.kind {
	case boolean:
		return strings.EqualFold(n.text, "true")
	case number:
		if plainWhole(n.text) {
			return json.Number(n.text)
		}
		return job.Number(json.Number(n.text))
	case text:
		return n.text
	case list:
		items := make([]any, len(n.children))
		for i := range n.children {
			items[i] = n.children[i].value.value()
		}
		return items
	case object:
		fields := make(map[string]any, len(n.children))
		for i := range n.children {
			fields[n.children[i].name] = n.children[i].value.value()
		}
		return fields
	default:
		return nil
	}
}

// plainKind is the type of a scalar that stands without quotes: YAML's core
// schema, of which JSON is a part, but for numbers in other forms than the
// decimal one. Those stay text, so that no leading zero turns 0512 into 330.
func plainKind(plain string) kind {
	switch plain {
	case "", "~", "null", "Null", "NULL":
		return null
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return boolean
	}
	if isDecimal(plain) {
		return number
	}
	return text
}

// isDecimal reports whether the text is a decimal number without needless
// leading zeros that a float can hold.
func isDecimal(plain string) bool {
	digits := strings.TrimLeft(plain, "+-")
	if len(plain)-len(digits) > 1 || digits == "" || strings.Trim(digits, "0123456789.eE+-") != "" {
		return false
	}
	if len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		return false
	}
	_, err := strconv.ParseFloat(plain, 64)
	return err == nil
}
