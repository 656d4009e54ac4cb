package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// A mutant that does not apply any more proves nothing.
func TestPatchesApply(t *testing.T) {
	t.Parallel()
	patches, err := filepath.Glob("*.patch")
	if err != nil || len(patches) < 12 {
		t.Fatalf("%d patches, %v", len(patches), err)
	}
	for _, patch := range patches {
		full, err := filepath.Abs(patch)
		if err != nil {
			t.Fatal(err)
		}
		check := exec.CommandContext(t.Context(), "git", "apply", "--check", full)
		check.Dir = "../../.."
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", patch, err, out)
		}
	}
}
