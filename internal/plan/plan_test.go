package plan_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/document"
	"nightshift/internal/job"
	"nightshift/internal/plan"
)

// rows is a JSONL manifest of n sound rows, of two images each.
func rows(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"id": "r%d", "model": "model_lantern", "prompt": "lantern %d", "samples": 2, "output": "{id}/{n}.{ext}", "parameters": {"steps": %d}}`+"\n", i, i, 10+i%2)
	}
	return text.String()
}

// results are those of jobs that succeeded.
func results(jobs []plan.PlannedJob) iter.Seq2[job.Result, error] {
	return func(yield func(job.Result, error) bool) {
		for _, planned := range jobs {
			if !yield(job.Result{Job: planned.ID, State: job.Succeeded, Outputs: planned.Outputs}, nil) {
				return
			}
		}
	}
}

func TestOnlyWhatChangedRuns(t *testing.T) {
	t.Parallel()
	first := all(t, mustMake(t, planOptions(t, rows(20))))
	edited := strings.NewReplacer(`"lantern 3"`, `"torch 3"`, `"lantern 7"`, `"torch 7"`, `"lantern 11"`, `"torch 11"`).Replace(rows(22))

	o := planOptions(t, edited)
	o.Results = results(first)
	p := mustMake(t, o)
	if p.New != 2 || p.Changed != 3 || p.Kept != 17 {
		t.Errorf("%d new, %d changed, %d kept, want 2, 3 and 17", p.New, p.Changed, p.Kept)
	}
	if want := job.CU(5 * 4500); p.Cost != want || p.ImagesToRun != 10 {
		t.Errorf("%s CU for %d images, want %s for 10", p.Cost, p.ImagesToRun, want)
	}
	statuses := map[plan.Status][]string{}
	var cost job.CU
	for _, planned := range all(t, p) {
		statuses[planned.Status] = append(statuses[planned.Status], planned.Row)
		cost += planned.Quote
	}
	if want := []string{"r3", "r7", "r11"}; !cmp.Equal(statuses[plan.Changed], want) {
		t.Errorf("changed %v, want %v", statuses[plan.Changed], want)
	}
	if want := []string{"r20", "r21"}; !cmp.Equal(statuses[plan.New], want) {
		t.Errorf("new %v, want %v", statuses[plan.New], want)
	}
	if cost != p.Cost {
		t.Errorf("the jobs' quotes are %s CU together, the plan says %s", cost, p.Cost)
	}
}

func TestNothingToRunAsksForNoPrice(t *testing.T) {
	t.Parallel()
	o := planOptions(t, rows(4))
	o.Results = results(all(t, mustMake(t, o)))
	c := newCatalog(t)
	o.Catalog = c
	p := mustMake(t, o)
	if len(c.dryRuns) != 0 || p.Kept != 4 || p.Cost != 0 {
		t.Errorf("%d dry runs, %d kept, %s CU, want none, 4 and none", len(c.dryRuns), p.Kept, p.Cost)
	}
}

func TestOneDryRunForEachPriceShape(t *testing.T) {
	t.Parallel()
	text := `
{"id": "a", "model": "model_lantern", "prompt": "one lantern", "parameters": {"width": 512}}
{"id": "b", "model": "model_lantern", "prompt": "two lanterns", "parameters": {"width": 768, "seed": 3}}
{"id": "c", "model": "model_lantern", "prompt": "the default, said", "parameters": {"steps": 28}}
{"id": "d", "model": "model_lantern", "prompt": "more steps", "parameters": {"steps": 30}}
{"id": "e", "model": "model_lantern", "prompt": "six", "samples": 6}
{"id": "f", "model": "model_lantern", "prompt": "two", "samples": 2}
{"id": "g", "model": "model_lantern", "prompt": "one reference", "parameters": {"referenceImages": ["asset_1"]}}
{"id": "h", "model": "model_lantern", "prompt": "another one", "parameters": {"referenceImages": ["asset_2"]}}
{"id": "i", "model": "model_lantern", "prompt": "two references", "parameters": {"referenceImages": ["asset_1", "asset_2"]}}
{"id": "j", "model": "model_seedless", "prompt": "another model"}
`
	o := planOptions(t, text)
	c := newCatalog(t)
	o.Catalog = c
	p := mustMake(t, o)
	type shape struct {
		Model, Inputs string
		Jobs          int
	}
	var got []shape
	for _, s := range p.Shapes {
		got = append(got, shape{s.Model, string(s.Inputs.Canonical()), s.Jobs})
	}
	want := []shape{
		{"model_lantern", `{"numOutputs":1}`, 3},
		{"model_lantern", `{"numOutputs":1,"steps":30}`, 1},
		{"model_lantern", `{"numOutputs":4}`, 1},
		{"model_lantern", `{"numOutputs":2}`, 2},
		{"model_lantern", `{"numOutputs":1,"referenceImages":1}`, 2},
		{"model_lantern", `{"numOutputs":1,"referenceImages":2}`, 1},
		{"model_seedless", `{}`, 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shapes (-want +got):\n%s", diff)
	}
	if len(c.dryRuns) != len(want) {
		t.Errorf("%d dry runs, want %d", len(c.dryRuns), len(want))
	}
	if want := map[string]int{"model_lantern": 1, "model_seedless": 1}; !cmp.Equal(c.models, want) {
		t.Errorf("model look-ups %v, want %v", c.models, want)
	}
}

func TestTooManyPrices(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&text, `{"id": "r%d", "model": "model_openai-gpt-image-2", "prompt": "x", "parameters": {"width": %d, "height": %d}}`+"\n", i, 16*(1+i%200), 16*(1+i/200))
	}
	c := newCatalog(t)
	got := complaints(t, open(t, "m.jsonl", text.String()), c)
	if len(c.dryRuns) > 0 {
		t.Errorf("%d dry runs", len(c.dryRuns))
	}
	if !strings.Contains(got, "more than 2000 different prices") || !strings.Contains(got, "height, numOutputs, quality") {
		t.Errorf("complaints:\n%s", got)
	}
}

func TestEverythingWrongAtOnce(t *testing.T) {
	t.Parallel()
	text := `{"id": "a", "model": "model_lantern", "prompt": "a lantern", "parameters": {"widht": 1, "height": 100}}
{"id": "b", "modle": "model_lantern", "prompt": "b"}
not json
{"id": "c", "model": "model_lantern", "prompt": "a lantern", "output": "Same.png"}
{"id": "d", "model": "model_lantern", "prompt": "a torch", "output": "same.{ext}"}
{"id": "e", "model": "model_nowhere", "prompt": "e", "output": "same.{ext}"}
`
	got := complaints(t, open(t, "m.jsonl", text), newCatalog(t))
	for _, want := range []string{
		`m.jsonl:1:`, `has no parameter "widht"`, `height is 100`,
		`m.jsonl:2:`, `m.jsonl:3:`,
		`m.jsonl:5:`, `would overwrite`,
		`does not know the model "model_nowhere"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in the complaints:\n%s", want, got)
		}
	}
	var last int
	for line := range strings.SplitSeq(got, "\n") {
		var number int
		if _, err := fmt.Sscanf(line, "m.jsonl:%d", &number); err != nil || number < last {
			t.Errorf("%q is out of order", line)
		}
		last = number
	}
}

func TestComplaintsStandAtTheirField(t *testing.T) {
	t.Parallel()
	text := `version: 1
name: icons
model: model_lantern
prompt: a lantern
defaults:
  parameters:
    width: 500
items:
  - {id: a}
  - {id: b, parameters: {loras: model_lora}}
`
	want := `m.yaml:7:12: width is 500, but the model takes it in steps of 16 (in 2 rows); write width: 496
m.yaml:10:33: loras is a single value where the model wants a list; the provider drops it without a word and charges all the same; write loras: ["model_lora"]`
	if diff := cmp.Diff(want, complaints(t, open(t, "m.yaml", text), newCatalog(t))); diff != "" {
		t.Errorf("complaints (-want +got):\n%s", diff)
	}
}

func TestDeadSeedAxis(t *testing.T) {
	t.Parallel()
	text := `version: 1
name: icons
model: model_seedless
prompt: a lantern
items: [{id: a}]
axes: {product: {seed: [1, 2, 3]}}
`
	want := `m.yaml:6:18: the seeds buy nothing: model_seedless has no seed, so rows that differ only by it are one request, ` +
		`paid for again and again (in 3 rows); take the seeds out, and write samples for more images of one prompt`
	if diff := cmp.Diff(want, complaints(t, open(t, "m.yaml", text), newCatalog(t))); diff != "" {
		t.Errorf("complaints (-want +got):\n%s", diff)
	}
}

func TestOneMistakeOnManyRowsDoesNotFlood(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(rows(5000), `"steps"`, `"stpes"`)
	text += row(`"parameters": {"width": 1}`)
	_, err := plan.Make(t.Context(), planOptions(t, text))
	problems, ok := errors.AsType[*document.Problems](err)
	if !ok || problems.Len() != 5001 {
		t.Fatalf("error %v, want 5001 problems", err)
	}
	got := strings.Split(problems.Error(), "\n")
	if len(got) != 6 {
		t.Fatalf("%d lines, want 5 of the one and 1 of the other:\n%s", len(got), strings.Join(got, "\n"))
	}
	if !strings.Contains(got[4], "(and so on in 4,995 more rows)") || !strings.Contains(got[5], "width is 1") {
		t.Errorf("complaints:\n%s", strings.Join(got, "\n"))
	}
}

func TestProviderRefusesAtThePrice(t *testing.T) {
	t.Parallel()
	c := newCatalog(t)
	c.fail = func(call, _ string) error {
		if call == "dry run" {
			return fmt.Errorf("dry run on model %q: %w", "model_lantern", &job.ProviderError{Kind: job.ErrInvalid, Words: "Input mask is too dark"})
		}
		return nil
	}
	want := `m.jsonl:1:1: the provider refuses this job: Input mask is too dark; change what it names; the dry run that found this was free`
	if diff := cmp.Diff(want, complaints(t, open(t, "m.jsonl", row("")), c)); diff != "" {
		t.Errorf("complaints (-want +got):\n%s", diff)
	}
}

func TestModelOutsideThePlan(t *testing.T) {
	t.Parallel()
	got := complaints(t, open(t, "m.jsonl", onModel("model_costly", "")), newCatalog(t))
	if !strings.Contains(got, "model_costly is not in the plan of the API key; it needs the plan") {
		t.Errorf("complaints:\n%s", got)
	}
}

func TestFatalErrorsComeWithAHint(t *testing.T) {
	t.Parallel()
	tests := []struct {
		call string
		err  error
		hint string
	}{
		{"model", &job.AccessError{Access: job.AccessKey}, "check the API key and its secret"},
		{"dry run", &job.AccessError{Access: job.AccessScope}, "give the API key the scope it lacks, or use another key"},
		{"dry run", &job.LimitError{Limit: job.LimitAllowance}, "the allowance of the key's team is used up; wait for its next period or use another team's key"},
		{
			"dry run", &job.HintedError{Err: &job.LimitError{Limit: job.LimitAllowance, NoneAllowed: true}, Hint: "ask for another plan"},
			"ask for another plan",
		},
	}
	for _, test := range tests {
		t.Run(test.hint, func(t *testing.T) {
			t.Parallel()
			c := newCatalog(t)
			c.fail = func(call, _ string) error {
				if call == test.call {
					return test.err
				}
				return nil
			}
			_, err := plan.Make(t.Context(), plan.Options{Manifest: open(t, "m.jsonl", row("")), Catalog: c})
			if !errors.Is(err, test.err) || job.Hint(err) != test.hint {
				t.Errorf("error %v with the hint %q, want %v with %q", err, job.Hint(err), test.err, test.hint)
			}
		})
	}
}

func TestForecastDoesWithoutTheList(t *testing.T) {
	t.Parallel()
	o := planOptions(t, row(""))
	c := newCatalog(t)
	c.fail = func(call, _ string) error {
		if call == "inferences" {
			return &job.AccessError{Access: job.AccessScope}
		}
		return nil
	}
	o.Catalog = c
	p := mustMake(t, o)
	if len(p.Forecast.Notes) == 0 || !strings.Contains(p.Forecast.Notes[0], "could not be listed") {
		t.Errorf("notes %q, want one on the list", p.Forecast.Notes)
	}
}

func TestMakeStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	cancel(stop)
	o := planOptions(t, rows(3))
	if _, err := plan.Make(ctx, o); !errors.Is(err, stop) {
		t.Errorf("error %v, want %v", err, stop)
	}
	o.Results = results(nil)
	var problems *document.Problems
	if _, err := plan.Make(ctx, o); errors.As(err, &problems) {
		t.Errorf("a cancelled plan is a problem of the manifest: %v", err)
	}
}
