package manifest

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nightshift/internal/document"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// TestGolden reads each archive of testdata. Its first file is the manifest, the
// others stand beside it, and the last one, "rows", is what comes out.
func TestGolden(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			checkGolden(t, path)
		})
	}
}

const goldenFile = "rows"

func checkGolden(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	inputs := slices.DeleteFunc(slices.Clone(archive.Files), func(f txtar.File) bool { return f.Name == goldenFile })
	got := readAll(t, inputs)
	if *update {
		archive.Files = append(inputs, txtar.File{Name: goldenFile, Data: []byte(got)})
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := string(archive.Files[len(archive.Files)-1].Data)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows differ; if that is right, run go test ./internal/manifest -update (-want +got):\n%s", diff)
	}
}

// readAll writes the files to a folder and describes what the first one holds.
func readAll(t *testing.T, files []txtar.File) string {
	t.Helper()
	folder := t.TempDir()
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(folder, f.Name), f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	described := describe(filepath.Join(folder, files[0].Name))
	return strings.ReplaceAll(described, folder+string(filepath.Separator), "")
}

// describe writes out a manifest and its rows, or what is wrong with them.
func describe(path string) string {
	m, err := Open(path)
	if err != nil {
		return describeError(err)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "batch %s, %s, %s", m.Name, m.Mode, m.Priority)
	if m.Pool != "" {
		fmt.Fprintf(&text, ", pool %s", m.Pool)
	}
	if m.Budget != nil {
		fmt.Fprintf(&text, ", budget %s CU", m.Budget)
	}
	if m.MaxDrift != usualDrift {
		fmt.Fprintf(&text, ", drift %d/1000", m.MaxDrift)
	}
	if m.OnBudget != OnBudgetWait {
		fmt.Fprintf(&text, ", on budget %s", m.OnBudget)
	}
	if m.Window != nil {
		fmt.Fprintf(&text, ", window %s", m.Window)
	}
	text.WriteString("\n")
	names := NewNames()
	for row, err := range m.Rows() {
		if err != nil {
			text.WriteString(describeError(err))
			continue
		}
		describeRow(&text, row)
		names.Add(row.Output.String())
	}
	if names.Suspects() > 0 {
		describeCollisions(&text, m, names)
	}
	return text.String()
}

func describeError(err error) string {
	if _, ok := errors.AsType[*document.Problems](err); ok {
		return "problem " + strings.ReplaceAll(err.Error(), "\n", "\nproblem ") + "\n"
	}
	if _, ok := errors.AsType[*document.Problem](err); ok {
		return "problem " + err.Error() + "\n"
	}
	return "error " + err.Error() + "\n"
}

func describeRow(text *strings.Builder, row *Row) {
	fmt.Fprintf(text, "\n%s: %s\n", row.Place, row.ID)
	fmt.Fprintf(text, "  model %s\n", row.Model)
	if row.Prompt != "" {
		fmt.Fprintf(text, "  prompt %q\n", row.Prompt)
	}
	if len(row.Parameters) > 0 {
		fmt.Fprintf(text, "  parameters %s\n", row.Parameters.Canonical())
	}
	if row.Samples > 0 {
		fmt.Fprintf(text, "  samples %d\n", row.Samples)
	}
	if row.SeedAxis {
		fmt.Fprintf(text, "  seed axis\n")
	}
	fmt.Fprintf(text, "  output %s\n", row.Output)
	for _, name := range slices.Sorted(maps.Keys(row.Variables)) {
		fmt.Fprintf(text, "  {%s} %q\n", name, row.Variables[name])
	}
	if len(row.Unused) > 0 {
		fmt.Fprintf(text, "  unused %s\n", strings.Join(row.Unused, ", "))
	}
}

func describeCollisions(text *strings.Builder, m *Manifest, names *Names) {
	for row, err := range m.Rows() {
		if err != nil {
			continue
		}
		if problem := names.Confirm(row.Output.String(), row.Place); problem != nil {
			text.WriteString(describeError(problem))
		}
	}
}
