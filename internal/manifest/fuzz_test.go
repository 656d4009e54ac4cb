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

// FuzzJSON holds the parser against encoding/json: they take the same texts, but
// for nesting, numbers out of range and names that stand twice, and read them
// alike.
func FuzzJSON(f *testing.F) {
	seeds(f, ".json", ".jsonl")
	for _, content := range []string{`"\ud83d\ude00\n"`, `[1,]`, `{"a":1,}`, `-0.5e+3`, `01`, `1.`, `"\x"`, "\"\t\"", `nul`, `[1 2]`, `"a\"`} {
		f.Add([]byte(content))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if message, _, _ := encodingFault(string(content)); message != "" {
			return
		}
		var parser jsonParser
		n, err := parser.parse(string(content), 1)
		if err != nil {
			if json.Valid(content) && !strings.Contains(err.Error(), "nested") && !strings.Contains(err.Error(), "not a number") {
				t.Errorf("%q is JSON, but: %v", content, err)
			}
			return
		}
		var want any
		if err := json.Unmarshal(content, &want); err != nil {
			t.Fatalf("%q is read, but: %v", content, err)
		}
		got := job.Inputs{"": n.value()}.Canonical()
		if expected := (job.Inputs{"": job.NormalValue(want)}).Canonical(); !hasLongNumber(content) && string(got) != string(expected) {
			t.Errorf("%q is read as %s, want %s", content, got, expected)
		}
	})
}

// hasLongNumber reports whether a float would cut a number that the parser keeps.
func hasLongNumber(content []byte) bool {
	digits := 0
	for _, c := range content {
		if digits++; c < '0' || c > '9' {
			digits = 0
		}
		if digits > 15 {
			return true
		}
	}
	return false
}
