package config

import "github.com/goccy/go-yaml/ast"

// treeReader turns the syntax tree of the parser into nodes.
type treeReader struct {
	anchors map[string]anchored
	aliased int
	depth   int
}

type anchored struct {
	value node
	size  int // how many values it holds, itself included
}

// read returns a value and how many values it holds.
func (r *treeReader) read(from ast.Node) (node, int, error) {
	if from == nil {
		return node{}, 1, nil
	}
	if r.depth++; r.depth > maxDepth {
		return node{}, 0, faultAt(from.GetToken(), "values are nested too deep")
	}
	defer func() { r.depth-- }()
	switch from := from.(type) {
	case *ast.NullNode:
		return placed(from, nothing, ""), 1, nil
	case *ast.MappingNode:
		return r.group(from, from.Values)
	case *ast.MappingValueNode:
		return r.group(from, []*ast.MappingValueNode{from})
	case *ast.SequenceNode:
		return r.list(from)
	case *ast.AnchorNode:
		value, size, err := r.read(from.Value)
		if err == nil {
			// Only now, so that an alias within its own anchor is an unknown one.
			r.anchors[from.Name.GetToken().Value] = anchored{value: value, size: size}
		}
		return value, size, err
	case *ast.AliasNode:
		return r.alias(from)
	case *ast.TagNode:
		if !standardTag(from.Start.Value) {
			return node{}, 0, faultAt(from.Start, "this tag has no meaning in a keys file")
		}
		return r.read(from.Value)
	case *ast.LiteralNode:
		return placed(from, single, from.Value.Value), 1, nil
	case *ast.StringNode:
		return placed(from, single, from.Value), 1, nil
	case ast.ScalarNode:
		return placed(from, single, from.GetToken().Value), 1, nil
	default:
		return node{}, 0, faultAt(from.GetToken(), "this kind of YAML value has no place in a keys file")
	}
}

func placed(from ast.Node, k kind, text string) node {
	return node{place: placeOf(from), kind: k, text: text}
}

func placeOf(from ast.Node) place { return faultAt(from.GetToken(), "").place }

func (r *treeReader) list(from *ast.SequenceNode) (node, int, error) {
	n, size := placed(from, list, ""), 1
	for _, entry := range from.Values {
		value, held, err := r.read(entry)
		if err != nil {
			return node{}, 0, err
		}
		size += held
		n.fields = append(n.fields, field{place: value.place, value: value})
	}
	return n, size, nil
}

func (r *treeReader) group(from ast.Node, entries []*ast.MappingValueNode) (node, int, error) {
	n, size := placed(from, group, ""), 1
	// The token of a block is its first colon; its place is its first name.
	if block, ok := from.(*ast.MappingNode); len(entries) > 0 && (!ok || !block.IsFlowStyle) {
		n.place = placeOf(entries[0].Key)
	}
	var merged []field
	for _, entry := range entries {
		value, held, err := r.read(entry.Value)
		if err != nil {
			return node{}, 0, err
		}
		size += held
		if entry.Key.IsMergeKey() {
			fields, ok := mergeable(value)
			if !ok {
				return node{}, 0, faultAt(entry.Key.GetToken(), "<< brings in groups of fields, and this is none")
			}
			merged = append(merged, fields...)
			continue
		}
		name, err := fieldName(entry.Key)
		if err != nil {
			return node{}, 0, err
		}
		n.fields = append(n.fields, field{place: placeOf(entry.Key), name: name, value: value})
	}
	n.fields = withMerged(n.fields, merged)
	return n, size, nil
}

// withMerged appends the merged fields whose names are still free.
func withMerged(fields, merged []field) []field {
	if len(merged) == 0 {
		return fields
	}
	taken := make(map[string]bool, len(fields))
	for i := range fields {
		taken[fields[i].name] = true
	}
	for _, f := range merged {
		if !taken[f.name] {
			taken[f.name] = true
			fields = append(fields, f)
		}
	}
	return fields
}

// mergeable returns the fields that << brings in: of one group, or of a list of
// them, of which earlier ones come first.
func mergeable(value node) (fields []field, ok bool) {
	if value.kind == group {
		return value.fields, true
	}
	for i := range value.fields {
		inner := &value.fields[i].value
		if inner.kind != group {
			return nil, false
		}
		fields = append(fields, inner.fields...)
	}
	return fields, value.kind == list
}

func (r *treeReader) alias(from *ast.AliasNode) (node, int, error) {
	target, known := r.anchors[from.Value.GetToken().Value]
	if !known {
		return node{}, 0, faultAt(from.Start, "this alias has no anchor before it")
	}
	if r.aliased += target.size; r.aliased > maxAliased {
		return node{}, 0, faultAt(from.Start, "the aliases stand for too many values")
	}
	return target.value, target.size, nil
}
