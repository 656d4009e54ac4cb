package document

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// maxAliased bounds how many values aliases may stand for in all, since a few
// lines of them can mean billions.
const maxAliased = 100_000

// yamlReader turns the syntax tree of a YAML file into nodes.
type yamlReader struct {
	anchors map[string]anchored
	aliased int
	depth   int
}

type anchored struct {
	value Node
	size  int // how many values it holds, itself included
}

// read returns a value and how many values it holds.
func (r *yamlReader) read(from ast.Node) (Node, int, error) {
	if from == nil {
		return Node{}, 1, nil
	}
	if r.depth++; r.depth > maxDepth {
		return Node{}, 0, failAt(from.GetToken(), tooDeep)
	}
	defer func() { r.depth-- }()
	switch from := from.(type) {
	case *ast.NullNode:
		return nodeAt(from, Null, ""), 1, nil
	case *ast.MappingNode:
		return r.mapping(from, from.Values)
	case *ast.MappingValueNode:
		return r.mapping(from, []*ast.MappingValueNode{from})
	case *ast.SequenceNode:
		return r.sequence(from)
	case *ast.AnchorNode:
		return r.anchor(from)
	case *ast.AliasNode:
		return r.alias(from)
	case *ast.TagNode:
		return r.tagged(from)
	case *ast.LiteralNode:
		return nodeAt(from, Text, from.Value.Value), 1, nil
	case *ast.StringNode:
		return scalar(from, from.Value), 1, nil
	case ast.ScalarNode:
		return scalar(from, from.GetToken().Value), 1, nil
	default:
		return Node{}, 0, failAt(from.GetToken(), "this kind of YAML value has no place here")
	}
}

func nodeAt(from ast.Node, kind Kind, text string) Node {
	return Node{Position: positionOf(from.GetToken()), Kind: kind, Text: text}
}

func scalar(from ast.Node, value string) Node {
	switch from.GetToken().Type {
	case token.SingleQuoteType, token.DoubleQuoteType:
		return nodeAt(from, Text, value)
	}
	return nodeAt(from, PlainKind(value), value)
}

func (r *yamlReader) sequence(from *ast.SequenceNode) (Node, int, error) {
	n, size := nodeAt(from, List, ""), 1
	for _, entry := range from.Values {
		value, held, err := r.read(entry)
		if err != nil {
			return Node{}, 0, err
		}
		size += held
		n.Children = append(n.Children, Field{Value: value})
	}
	return n, size, nil
}

func (r *yamlReader) mapping(from ast.Node, entries []*ast.MappingValueNode) (Node, int, error) {
	n, size := nodeAt(from, Object, ""), 1
	// The token of a block mapping is its first colon; its place is its first name.
	if len(entries) > 0 && from.GetToken().Type != token.MappingStartType {
		n.Position = positionOf(entries[0].Key.GetToken())
	}
	var merged []Field
	for _, entry := range entries {
		value, held, err := r.read(entry.Value)
		if err != nil {
			return Node{}, 0, err
		}
		size += held
		if entry.Key.IsMergeKey() {
			fields, ok := mergeable(value)
			if !ok {
				return Node{}, 0, failAt(entry.Key.GetToken(), "<< brings in groups of fields, and this is none")
			}
			merged = append(merged, fields...)
			continue
		}
		name, err := keyText(entry.Key)
		if err != nil {
			return Node{}, 0, err
		}
		n.Children = append(n.Children, Field{Position: positionOf(entry.Key.GetToken()), Name: name, Value: value})
	}
	n.Children = withMerged(n.Children, merged)
	return n, size, nil
}

// withMerged appends the merged fields whose names are still free.
func withMerged(fields, merged []Field) []Field {
	if len(merged) == 0 {
		return fields
	}
	taken := make(map[string]bool, len(fields))
	for i := range fields {
		taken[fields[i].Name] = true
	}
	for _, f := range merged {
		if !taken[f.Name] {
			taken[f.Name] = true
			fields = append(fields, f)
		}
	}
	return fields
}

// mergeable returns the fields that << brings in: of one object, or of a list of
// them, of which earlier ones come first.
func mergeable(value Node) (fields []Field, ok bool) {
	if value.Kind == Object {
		return value.Children, true
	}
	for i := range value.Children {
		inner := &value.Children[i].Value
		if inner.Kind != Object {
			return nil, false
		}
		fields = append(fields, inner.Children...)
	}
	return fields, value.Kind == List
}

func keyText(key ast.MapKeyNode) (string, error) {
	switch key := key.(type) {
	case *ast.StringNode:
		return key.Value, nil
	case *ast.MappingKeyNode:
		if inner, ok := key.Value.(ast.MapKeyNode); ok {
			return keyText(inner)
		}
	case ast.ScalarNode:
		return key.GetToken().Value, nil
	}
	return "", failAt(key.GetToken(), "the name of a field must be plain text")
}

func (r *yamlReader) anchor(from *ast.AnchorNode) (Node, int, error) {
	value, size, err := r.read(from.Value)
	if err != nil {
		return Node{}, 0, err
	}
	// Only now, so that an alias within its own anchor is an unknown one.
	r.anchors[from.Name.GetToken().Value] = anchored{value: value, size: size}
	return value, size, nil
}

func (r *yamlReader) alias(from *ast.AliasNode) (Node, int, error) {
	name := from.Value.GetToken().Value
	target, known := r.anchors[name]
	if !known {
		return Node{}, 0, failQuoting(from.Start, fmt.Sprintf("the alias *%s has no anchor &%s before it", name, name),
			"this alias has no anchor before it")
	}
	if r.aliased += target.size; r.aliased > maxAliased {
		return Node{}, 0, failAt(from.Start, fmt.Sprintf("the aliases stand for more than %d values", maxAliased))
	}
	return target.value, target.size, nil
}

// tagged reads a value whose type is said: !!str 1 is text. The other standard
// tags only repeat what the value shows.
func (r *yamlReader) tagged(from *ast.TagNode) (Node, int, error) {
	switch tag := from.Start.Value; tag {
	case "!!str":
		value, size, err := r.read(from.Value)
		if err == nil && (value.Scalar() || value.Kind == Null) {
			value.Kind = Text
		}
		return value, size, err
	case "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq":
		return r.read(from.Value)
	default:
		return Node{}, 0, failQuoting(from.Start, "the tag "+tag+" has no meaning here", "this tag has no meaning here")
	}
}
