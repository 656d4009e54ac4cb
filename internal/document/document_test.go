package document_test

import (
	"fmt"
	"strings"
	"testing"

	"nightshift/internal/document"
)

// written shows a tree with kinds and positions.
func written(n *document.Node) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d:%d %s %s", n.Line, n.Column, n.Kind, n.Text)
	for i := range n.Children {
		f := &n.Children[i]
		fmt.Fprintf(&text, " (%d:%d %s = %s)", f.Line, f.Column, f.Name, written(&f.Value))
	}
	return text.String()
}

func TestFormatsAgree(t *testing.T) {
	t.Parallel()
	src := "\ufeff{\"name\": \"a\\n\", \"list\": [1, -2.5,\n  true, null],\n \"ümlaut\": {\"x\": \"001\"}}\n"
	fromJSON, err := document.JSON(src)
	if err != nil {
		t.Fatal(err)
	}
	fromYAML, err := document.YAML(src)
	if err != nil {
		t.Fatal(err)
	}
	got := written(&fromYAML)
	if want := written(&fromJSON); got != want {
		t.Errorf("YAML is read as\n%s\nJSON as\n%s", got, want)
	}
	if want := `2:9 nothing `; !strings.Contains(got, want) {
		t.Errorf("%s lacks %s", got, want)
	}
	if list := fromJSON.Get("list"); list == nil || list.Kind != document.List || list.Position != (document.Position{Line: 1, Column: 25}) {
		t.Errorf("the list is %+v", list)
	}
}

// TestPrivate holds what a private reader says against what another one does.
func TestPrivate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ src, public, private string }{
		{"colour: 1", "f:1:1: unknown field colour in a file; write size or shape", "f:1:1: unknown field in a file; write size or shape"},
		{"sizes: 1", "f:1:1: unknown field sizes in a file; did you mean size?", "f:1:1: unknown field in a file; did you mean size?"},
		{"size: 1\nsize: 2", "f:2:1: field size stands twice, first in line 1; keep one", "f:2:1: this field stands twice, first in line 1; keep one"},
		{"size: *hidden", "f:1:7: the alias *hidden has no anchor &hidden before it", "f:1:7: this alias has no anchor before it"},
		{"size: !hidden 1", "f:1:7: the tag !hidden has no meaning here", "f:1:7: this tag has no meaning here"},
		{"size: [hidden", "f:1:7: the list in brackets is not closed with ]; close it; quote texts in it that hold , : # [ ] { or }",
			"f:1:7: the list in brackets is not closed with ]; close it; quote texts in it that hold , : # [ ] { or }"},
		{"hidden", "f:1:1: a file must be a group of fields, not text", "f:1:1: a file must be a group of fields, not text"},
		{"size: \xff", "f:1:7: the file is not valid UTF-8; save the file as UTF-8", "f:1:7: the file is not valid UTF-8; save the file as UTF-8"},
		{"size: 1\n---\nshape: 1", "f:3:1: a second document starts here; the file must be one document", "f:3:1: a second document starts here; the file must be one document"},
	} {
		for private, want := range map[bool]string{false: test.public, true: test.private} {
			r := document.Reader{File: "f", Problems: &document.Problems{}, Private: private}
			if root, err := document.YAML(test.src); err != nil {
				r.Syntax(err)
			} else {
				r.Fields(&root, "a file", []string{"size", "shape"}, func(*document.Field) {})
			}
			if got := r.Problems.Error(); got != want {
				t.Errorf("of %q, private %t, it says\n%s\nwant\n%s", test.src, private, got, want)
			}
		}
	}
}

// TestFieldsOnce counts the fields of small and large objects, in which names stand
// twice.
func TestFieldsOnce(t *testing.T) {
	t.Parallel()
	for _, size := range []int{3, 16, 17, 400} {
		var src strings.Builder
		for i := range size {
			fmt.Fprintf(&src, "f%d: 1\nf%d: 2\n", i, i)
		}
		root, err := document.YAML(src.String())
		if err != nil {
			t.Fatal(err)
		}
		r, seen := document.Reader{Problems: &document.Problems{}}, 0
		r.Fields(&root, "a file", nil, func(f *document.Field) {
			if seen++; f.Value.Text != "1" {
				t.Errorf("%s is %s", f.Name, f.Value.Text)
			}
		})
		if seen != size || r.Problems.Len() != size {
			t.Errorf("of %d names twice, %d are read and %d reported", size, seen, r.Problems.Len())
		}
	}
}
