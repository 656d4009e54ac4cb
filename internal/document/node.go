package document

import (
	"encoding/json"
	"strconv"
	"strings"

	"nightshift/internal/job"
)

// Kind is the type of a value as the file writes it.
type Kind uint8

// The kinds of values. Null is also that of a file that holds nothing.
const (
	Null Kind = iota
	Bool
	Number
	Text
	List
	Object
)

// String names a kind as a person would.
func (k Kind) String() string {
	return [...]string{"nothing", "true or false", "a number", "text", "a list", "a group of fields"}[k]
}

// Position is where something stands in its file. Both count from 1, columns in
// characters; 0 means that it is not known.
type Position struct{ Line, Column int32 }

// Node is one value of a file with its position.
type Node struct {
	Position
	Kind Kind
	// Text is a scalar as it stands, without quotes and escapes: an id 001 keeps
	// its zeros.
	Text string
	// Children are the entries of a list or the fields of an object, in order.
	Children []Field
}

// Field is an entry of an object, or of a list, where it has no name.
type Field struct {
	Position // of the name
	Name     string
	Value    Node
}

// Get returns the field of this name, or nil.
func (n *Node) Get(name string) *Node {
	for i := range n.Children {
		if n.Children[i].Name == name {
			return &n.Children[i].Value
		}
	}
	return nil
}

// Scalar reports whether the value is a single one.
func (n *Node) Scalar() bool { return n.Kind == Bool || n.Kind == Number || n.Kind == Text }

// Value returns the node as a value of [job.Inputs].
func (n *Node) Value() any {
	switch n.Kind {
	case Bool:
		return strings.EqualFold(n.Text, "true")
	case Number:
		if plainWhole(n.Text) {
			return json.Number(n.Text)
		}
		return job.Number(json.Number(n.Text))
	case Text:
		return n.Text
	case List:
		items := make([]any, len(n.Children))
		for i := range n.Children {
			items[i] = n.Children[i].Value.Value()
		}
		return items
	case Object:
		fields := make(map[string]any, len(n.Children))
		for i := range n.Children {
			fields[n.Children[i].Name] = n.Children[i].Value.Value()
		}
		return fields
	default:
		return nil
	}
}

// PlainKind is the type of a scalar that stands without quotes: YAML's core
// schema, of which JSON is a part, but for numbers in other forms than the
// decimal one. Those stay text, so that no leading zero turns 0512 into 330.
func PlainKind(plain string) Kind {
	switch plain {
	case "", "~", "null", "Null", "NULL":
		return Null
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return Bool
	}
	if isDecimal(plain) {
		return Number
	}
	return Text
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
