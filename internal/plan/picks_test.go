package plan_test

import (
	"strings"
	"testing"

	"nightshift/internal/job"
	"nightshift/internal/plan"
)

// rolledJob is the only job of a manifest whose row was rolled again n times.
func rolledJob(t *testing.T, text string, n int) plan.PlannedJob {
	t.Helper()
	rolls := func(row string) int {
		if row != "a" {
			t.Errorf("asked for row %q", row)
		}
		return n
	}
	return all(t, mustMake(t, plan.Options{Manifest: open(t, "m.jsonl", text), Catalog: newCatalog(t), Rolls: rolls}))[0]
}

func TestARollDrawsAnotherSeed(t *testing.T) {
	t.Parallel()
	drawn, fixed := row(`"parameters": {"width": 512}`), row(`"parameters": {"width": 512, "seed": 7}`)
	first := onlyJob(t, "m.jsonl", drawn)
	if again := rolledJob(t, drawn, 0); again.ID != first.ID || again.Seed() != first.Seed() {
		t.Errorf("a row that was never rolled is job %s with seed %s, want %s and %s", again.ID, again.Seed(), first.ID, first.Seed())
	}
	seen := map[string]bool{string(first.ID): true, first.Seed(): true}
	for n := 1; n <= 3; n++ {
		rolled := rolledJob(t, drawn, n)
		if seen[string(rolled.ID)] || seen[rolled.Seed()] || !rolled.ID.Valid() {
			t.Errorf("roll %d is job %s with seed %s, like one before", n, rolled.ID, rolled.Seed())
		}
		seen[string(rolled.ID)], seen[rolled.Seed()] = true, true
		if rolled.Outputs[0] != first.Outputs[0] {
			t.Errorf("roll %d goes to %s, not to %s", n, rolled.Outputs[0], first.Outputs[0])
		}
	}
	if kept, rolled := onlyJob(t, "m.jsonl", fixed), rolledJob(t, fixed, 2); kept.ID != rolled.ID {
		t.Errorf("a row with a fixed seed is job %s when it is rolled, and %s before: it would be paid again for the same image", rolled.ID, kept.ID)
	}
}

func TestPickedImagesAreCounted(t *testing.T) {
	t.Parallel()
	before := rows(4)
	catalog := newCatalog(t)
	made := all(t, mustMake(t, plan.Options{Manifest: open(t, "m.jsonl", before), Catalog: catalog}))
	edited := strings.ReplaceAll(before, "lantern 1", "lamp 1")
	edited = strings.ReplaceAll(edited, "lantern 2", "lamp 2")
	picked := map[string]job.ID{made[0].Outputs[0]: made[0].ID, made[1].Outputs[0]: made[1].ID}
	plans := func(text string) *plan.Plan {
		return mustMake(t, plan.Options{
			Manifest: open(t, "m.jsonl", text), Catalog: catalog, Results: results(made),
			Picked: picked,
		})
	}
	if p := plans(before); p.PickedReplaced != 0 || p.PickedWords() != "" {
		t.Errorf("nothing was changed, and %d picked images would be replaced: %s", p.PickedReplaced, p.PickedWords())
	}
	p := plans(edited)
	if p.Changed != 2 || p.PickedReplaced != 1 || len(p.PickedRows) != 1 || p.PickedRows[0] != made[1].Row {
		t.Errorf("of %d changed jobs %d picked images would be replaced, of rows %v; want 1 of row %s", p.Changed, p.PickedReplaced, p.PickedRows, made[1].Row)
	}
	var table strings.Builder
	if err := p.WriteTable(&table, 0); err != nil || !strings.Contains(table.String(), "1 picked image would be replaced") {
		t.Errorf("the plan does not say so (%v):\n%s", err, table.String())
	}
}
