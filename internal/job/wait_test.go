package job_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"nightshift/internal/job"
)

// TestWaitReasonsAreComplete holds the list against the constants in the source.
func TestWaitReasonsAreComplete(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "wait.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []job.WaitReason
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			declared = append(declared, job.WaitReason(text))
		}
		return true
	})
	if len(declared) == 0 || !slices.Equal(declared, job.WaitReasons) {
		t.Errorf("the source declares %v, the list has %v", declared, job.WaitReasons)
	}
}
