package manifest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"nightshift/internal/job"
)

// seeds adds the files of all golden archives with one of the endings.
func seeds(f *testing.F, endings ...string) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			for _, ending := range endings {
				if strings.HasSuffix(file.Name, ending) {
					f.Add(file.Data)
				}
			}
		}
	}
}

// readFuzzed reads a content as a file and checks what must hold for every row.
func readFuzzed(t *testing.T, name string, content []byte) {
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := Open(path)
	if err != nil {
		return
	}
	if message, _ := batchNameFault(m.Name); message != "" {
		t.Errorf("the batch's name is %q", m.Name)
	}
	if m.Mode == job.Live && strings.EqualFold(m.Batch(), testFolder) {
		t.Errorf("a live batch has the folder %q", m.Batch())
	}
	if m.MaxDrift < 0 || m.MaxDrift > maxDrift || m.OnBudget != OnBudgetWait && m.OnBudget != OnBudgetFail {
		t.Errorf("the drift is %d, on_budget %q", m.MaxDrift, m.OnBudget)
	}
	count := 0
	for row, err := range m.Rows() {
		if err == nil {
			checkRow(t, row)
		}
		if count++; count == 200 {
			return
		}
	}
}

func checkRow(t *testing.T, row *Row) {
	// Panics on what JSON cannot hold.
	if !json.Valid(row.Parameters.Canonical()) {
		t.Errorf("parameters are %s", row.Parameters.Canonical())
	}
	if row.Model == "" || row.ID == "" {
		t.Errorf("a row has model %q and id %q", row.Model, row.ID)
	}
	name, err := row.Output.Expand(OutputValues{N: 1, Ext: "png", Seed: "1", Hash8: string(job.ID("abcdefgh"))})
	if err != nil {
		t.Errorf("output: %v", err)
	}
	if message, _ := nameFault(name); message != "" || strings.ContainsAny(name, "{}\\\x00 :") || !filepath.IsLocal(name) {
		t.Errorf("output is %q: %s", name, message)
	}
	row.Places("prompt")
	row.Places("parameters.width")
	row.CellText("width")
}

func FuzzYAML(f *testing.F) {
	seeds(f, ".yaml")
	f.Fuzz(func(t *testing.T, content []byte) { readFuzzed(t, "m.yaml", content) })
}

func FuzzJSONManifest(f *testing.F) {
	seeds(f, ".json")
	f.Fuzz(func(t *testing.T, content []byte) { readFuzzed(t, "m.json", content) })
}

func FuzzJSONL(f *testing.F) {
	seeds(f, ".jsonl")
	f.Fuzz(func(t *testing.T, content []byte) { readFuzzed(t, "m.jsonl", content) })
}

func FuzzCSV(f *testing.F) {
	seeds(f, ".csv", ".tsv")
	f.Fuzz(func(t *testing.T, content []byte) { readFuzzed(t, "m.csv", content) })
}
