package document

import (
	"fmt"
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// maxAliased bounds how many values aliases may stand for in all, since a few
// lines of them can mean billions.
const maxAliased = 100_000

// yamlReader turns the parser's tree of a YAML file into nodes.
type yamlReader struct {
	source  *source
	restore *strings.Replacer // of texts
	doubt   Doubt
	anchors map[*yaml.Node]anchored
	faults  []*SyntaxError // that do not end the reading
	aliased int
	depth   int
}

type anchored struct {
	value Node
	size  int // how many values it holds, itself included
}

// read returns a value and how many values it holds.
func (r *yamlReader) read(from *yaml.Node) (value Node, size int, err error) {
	if r.depth++; r.depth > maxDepth {
		return Node{}, 0, failAt(positionOf(from), tooDeep)
	}
	defer func() { r.depth-- }()
	switch from.Kind {
	case yaml.MappingNode:
		value, size, err = r.mapping(from)
	case yaml.SequenceNode:
		value, size, err = r.sequence(from)
	case yaml.AliasNode:
		return r.alias(from)
	case yaml.ScalarNode:
		value, size = r.scalar(from), 1
	default:
		return Node{}, 0, failAt(positionOf(from), "this kind of YAML value has no place here")
	}
	if err == nil && from.Style&yaml.TaggedStyle != 0 {
		err = r.applyTag(from, &value)
	}
	if err == nil && from.Anchor != "" {
		// Only now, so that an alias within its own anchor is an unknown one.
		r.anchors[from] = anchored{value: value, size: size}
	}
	return value, size, err
}

func (r *yamlReader) node(from *yaml.Node, kind Kind, text string) Node {
	return Node{Position: positionOf(from), Kind: kind, Text: r.restore.Replace(text)}
}

func (r *yamlReader) scalar(from *yaml.Node) Node {
	switch {
	case from.Style&yaml.DoubleQuotedStyle != 0:
		r.checkQuoted(from)
		return r.node(from, Text, from.Value)
	case from.Style&(yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return r.node(from, Text, from.Value)
	}
	r.checkPlain(from)
	kind := PlainKind(from.Value)
	if kind == Null {
		return r.node(from, Null, "")
	}
	return r.node(from, kind, from.Value)
}

func (r *yamlReader) sequence(from *yaml.Node) (Node, int, error) {
	n, size := r.node(from, List, ""), 1
	for _, entry := range from.Content {
		value, held, err := r.read(entry)
		if err != nil {
			return Node{}, 0, err
		}
		size += held
		n.Children = append(n.Children, Field{Value: value})
	}
	return n, size, nil
}

func (r *yamlReader) mapping(from *yaml.Node) (Node, int, error) {
	n, size := r.node(from, Object, ""), 1
	var merged []Field
	for i := 0; i+1 < len(from.Content); i += 2 {
		name, entry := from.Content[i], from.Content[i+1]
		if fault := r.checkField(from, name, entry); fault != nil && len(r.faults) < mostFaults {
			r.faults = append(r.faults, fault)
		}
		value, held, err := r.read(entry)
		if err != nil {
			return Node{}, 0, err
		}
		size += held
		if isMerge(name) {
			fields, ok := mergeable(value)
			if !ok {
				return Node{}, 0, failAt(positionOf(name), "<< brings in groups of fields, and this is none")
			}
			merged = append(merged, fields...)
			continue
		}
		if name.Kind != yaml.ScalarNode {
			return Node{}, 0, failAt(positionOf(name), "the name of a field must be plain text")
		}
		n.Children = append(n.Children, Field{Position: positionOf(name), Name: r.restore.Replace(name.Value), Value: value})
	}
	n.Children = withMerged(n.Children, merged)
	return n, size, nil
}

// isMerge reports whether a name brings in the fields of its value.
func isMerge(name *yaml.Node) bool {
	return name.Kind == yaml.ScalarNode && name.Value == "<<" && name.Style == 0
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

func (r *yamlReader) alias(from *yaml.Node) (Node, int, error) {
	target, known := r.anchors[from.Alias]
	if !known {
		return Node{}, 0, noAnchor(positionOf(from), from.Value)
	}
	if r.aliased += target.size; r.aliased > maxAliased {
		return Node{}, 0, failAt(positionOf(from), fmt.Sprintf("the aliases stand for more than %d values", maxAliased))
	}
	return target.value, target.size, nil
}

// applyTag heeds the type that stands before a value: !!str 1 is text. The other
// standard types only repeat what the value shows.
func (r *yamlReader) applyTag(from *yaml.Node, value *Node) error {
	switch tag := from.ShortTag(); tag {
	case "!!str":
		if value.Scalar() || value.Kind == Null {
			value.Kind, value.Text = Text, r.restore.Replace(from.Value)
		}
		return nil
	case "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq":
		return nil
	default:
		return failQuoting(positionOf(from), "the tag "+tag+" has no meaning here", "this tag has no meaning here")
	}
}
