package plan_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
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
			{Scope: "key studio-a", Pool: "main", Period: plan.PeriodDay, CU: 30 * job.OneCU, Spent: 10 * job.OneCU},
			{Scope: "team", Period: plan.PeriodMonth, CU: 9000 * job.OneCU},
		},
	}
	return mustMake(t, o)
}

func TestTable(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		plan    *plan.Plan
		columns int
	}{
		"table.txt":        {potions(t), 80},
		"table-narrow.txt": {potions(t), 70},
		"table-days.txt":   {days(t, "wait"), 80},
		"table-fail.txt":   {days(t, "fail"), 80},
		"table-kept.txt":   {nothingToDo(t), 80},
		"table-pipe.txt":   {potions(t), 0},
	}
	for name, test := range tests {
		var text strings.Builder
		if err := test.plan.WriteTable(&text, test.columns); err != nil {
			t.Fatal(err)
		}
		compareGolden(t, name, text.String())
		for line := range strings.Lines(text.String()) {
			tooLong := test.columns > 0 && utf8.RuneCountInString(line) > test.columns+1
			if tooLong || strings.ContainsRune(line, '\x1b') {
				t.Errorf("%s: %q is too long or not plain", name, line)
			}
		}
	}
}

// days is a plan that takes more than a day of a cap.
func days(t *testing.T, onBudget string) *plan.Plan {
	t.Helper()
	text := `{"version": 1, "name": "days", "model": "model_lantern", "prompt": "a lantern", "on_budget": "` + onBudget + `",
		"items": [{"id": "a"}], "axes": {"product": {"seed": "1..40"}}}`
	return mustMake(t, plan.Options{
		Manifest: open(t, "m.json", text),
		Catalog:  newCatalog(t),
		Limits: plan.Limits{RequestsPerMinute: 100, Parallel: 6, Caps: []plan.Cap{
			{Scope: "key studio-a", Period: plan.PeriodDay, CU: 30 * job.OneCU, Spent: 5 * job.OneCU},
		}},
	})
}

func nothingToDo(t *testing.T) *plan.Plan {
	t.Helper()
	o := planOptions(t, rows(2))
	o.Results = results(all(t, mustMake(t, o)))
	return mustMake(t, o)
}

func TestJSONIsStable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // whose clock stands still
		text, err := json.MarshalIndent(potions(t), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		compareGolden(t, "plan.json", string(text)+"\n")
	})
}
