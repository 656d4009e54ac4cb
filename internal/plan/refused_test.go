package plan_test

import (
	"strings"
	"testing"

	"nightshift/internal/job"
	"nightshift/internal/plan"
)

// What was refused and charged is no part of the price, and runs on request or when its
// content changed.
func TestRefusedDoesNotRun(t *testing.T) {
	t.Parallel()
	const row = `{"id": "a", "model": "model_bfl-flux-1-dev", "prompt": "a fox", "output": "a.{ext}"}` + "\n"
	const other = `{"id": "b", "model": "model_bfl-flux-1-dev", "prompt": "an owl", "output": "b.{ext}"}` + "\n"
	const cost = 21 * job.OneCU
	before := mustMake(t, planOptions(t, row))
	id := all(t, before)[0].ID
	tests := map[string]struct {
		text  string
		retry bool
		want  []plan.Status
		said  string
	}{
		"the same":   {row + other, false, []plan.Status{plan.FailedBefore, plan.New}, "1 job failed before: refused for the content and charged, 21 CU so far."},
		"on request": {row + other, true, []plan.Status{plan.New, plan.New}, "--retry-refused asks for it"},
		"changed":    {strings.Replace(row, "fox", "red fox", 1), false, []plan.Status{plan.New}, "1 new, 0 changed, 0 kept: 1 job to run"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := planOptions(t, test.text)
			o.Refused, o.RetryRefused = map[job.ID]job.CU{id: cost}, test.retry
			p := mustMake(t, o)
			toRun, price := 0, job.CU(0)
			for i, j := range all(t, p) {
				if j.Status != test.want[i] {
					t.Errorf("row %s is %s, want %s", j.Row, j.Status, test.want[i])
				}
				if j.Status.Runs() {
					toRun++
				}
				price += j.Quote
			}
			if p.ToRun() != toRun || p.Cost != price || p.FailedBefore != p.Jobs-toRun {
				t.Errorf("%d run for %s CU and %d failed before, want %d for %s CU and the rest", p.ToRun(), p.Cost, p.FailedBefore, toRun, price)
			}
			var shown strings.Builder
			if err := p.WriteTable(&shown, 0); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(shown.String(), test.said) {
				t.Errorf("the plan does not say %q:\n%s", test.said, &shown)
			}
		})
	}
}
