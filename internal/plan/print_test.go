package plan_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/plan"
)

var update = flag.Bool("update", false, "write the golden files anew")

// compareGolden compares text with a file in testdata.
func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// potions is a plan with something of everything in it.
func potions(t *testing.T) *plan.Plan {
	t.Helper()
	text := `version: 1
name: potion-icons
model: model_lantern
prompt: "{item}, {style}"
items:
  - {id: health, item: health potion}
  - {id: mana, item: "mana potion\e[31m"}
  - {id: 体力の薬, item: 体力の薬, parameters: {steps: 50, referenceImages: [asset_1]}}
styles:
  painterly: hand painted
  pixel: 16-bit
axes: {product: {style: [painterly, pixel]}}
samples: 6
output: "{id}/{style}-{n}.{ext}"
`
	o := plan.Options{Manifest: open(t, "m.yaml", text), Catalog: newCatalog(t)}
	o.Results = results(all(t, mustMake(t, o))[:3])
	o.Limits = plan.Limits{
		RequestsPerMinute: 100,
		Parallel:          6,
		Caps: []plan.Cap{
			{Scope: "batch budget", CU: 500 * job.OneCU, Spent: 450 * job.OneCU},
			{Scope: "key studio-a", Pool: "main", CU: 2000 * job.OneCU},
		},
	}
	return mustMake(t, o)
}

func TestTable(t *testing.T) {
	t.Parallel()
	tests := map[string]*plan.Plan{
		"table.txt":      potions(t),
		"table-kept.txt": nothingToDo(t),
	}
	for name, p := range tests {
		var text strings.Builder
		if err := p.WriteTable(&text); err != nil {
			t.Fatal(err)
		}
		compareGolden(t, name, text.String())
		for line := range strings.Lines(text.String()) {
			if utf8.RuneCountInString(line) > 81 || strings.ContainsRune(line, '\x1b') {
				t.Errorf("%s: %q is too long or not plain", name, line)
			}
		}
	}
}

func nothingToDo(t *testing.T) *plan.Plan {
	t.Helper()
	o := planOptions(t, rows(2))
	o.Results = results(all(t, mustMake(t, o)))
	return mustMake(t, o)
}

func TestJSONIsStable(t *testing.T) {
	t.Parallel()
	text, err := json.MarshalIndent(potions(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "plan.json", string(text)+"\n")
}
