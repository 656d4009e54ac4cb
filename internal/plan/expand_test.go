package plan_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/plan"
)

// made is what matters of a job's expansion.
type made struct {
	Count   any
	Outputs []string
}

func TestImagesAreBundled(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		row  string
		want []made
	}{
		{"one by default, and said so", row(""), []made{{json.Number("1"), []string{"a-1.{ext}"}}}},
		{"one where the model's default is four", onModel("model_sim-quartet", ""), []made{{json.Number("1"), []string{"a-1.{ext}"}}}},
		{"six of at most four", row(`"samples": 6`), []made{
			{json.Number("4"), []string{"a-1.{ext}", "a-2.{ext}", "a-3.{ext}", "a-4.{ext}"}},
			{json.Number("2"), []string{"a-5.{ext}", "a-6.{ext}"}},
		}},
		{"no count input", onModel("model_seedless", `"samples": 2`), []made{{nil, []string{"a-1.{ext}"}}, {nil, []string{"a-2.{ext}"}}}},
		{"the model's own parameter", parameters(`"numOutputs": 3`), []made{{json.Number("3"), []string{"a-1.{ext}", "a-2.{ext}", "a-3.{ext}"}}}},
		{"no bound on the count", onModel("model_boundless", `"samples": 2`), []made{
			{json.Number("1"), []string{"a-1.{ext}"}}, {json.Number("1"), []string{"a-2.{ext}"}},
		}},
		{"counts named one by one", `{"id": "a", "model": "model_wordless", "output": "{id}-{n}.{ext}", "samples": 6, "parameters": {"image": "asset_1"}}`, []made{
			{json.Number("4"), []string{"a-1.{ext}", "a-2.{ext}", "a-3.{ext}", "a-4.{ext}"}},
			{json.Number("2"), []string{"a-5.{ext}", "a-6.{ext}"}},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := mustMake(t, planOptions(t, test.row))
			var got []made
			images := 0
			for i, planned := range all(t, p) {
				got = append(got, made{count(planned), planned.Outputs})
				images += len(planned.Outputs)
				if planned.Index != i {
					t.Errorf("job %d has the index %d", i, planned.Index)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("jobs (-want +got):\n%s", diff)
			}
			if p.Jobs != len(got) || p.Images != images {
				t.Errorf("the plan counts %d jobs and %d images, want %d and %d", p.Jobs, p.Images, len(got), images)
			}
		})
	}
}

// count is the number of images that a job asks for, nil where it does not say.
func count(planned plan.PlannedJob) any {
	for _, name := range job.CountInputs {
		if value, ok := planned.Inputs[name]; ok {
			return value
		}
	}
	return nil
}

// onlyJob plans a manifest of one job.
func onlyJob(t *testing.T, name, text string) plan.PlannedJob {
	t.Helper()
	p := mustMake(t, plan.Options{Manifest: open(t, name, text), Catalog: newCatalog(t)})
	jobs := all(t, p)
	if len(jobs) != 1 {
		t.Fatalf("%d jobs, want one", len(jobs))
	}
	return jobs[0]
}

// TestIdentityIsPinned fails when anything changes what identities are made of:
// every batch that ran before would be paid for again.
func TestIdentityIsPinned(t *testing.T) {
	t.Parallel()
	got := onlyJob(t, "m.jsonl", row(`"samples": 2, "parameters": {"width": 512}`))
	want := plan.PlannedJob{
		Job: job.Job{
			ID: job.Identify("model_lantern", job.Inputs{
				"prompt": "a lantern", "width": json.Number("512"), "numOutputs": json.Number("2"),
			}, []string{"a-1.{ext}", "a-2.{ext}"}),
			Row: "a", Place: got.Place, Model: "model_lantern", PromptInput: "prompt",
			Inputs: job.Inputs{
				"prompt": "a lantern", "width": json.Number("512"), "numOutputs": json.Number("2"), "seed": got.Inputs["seed"],
			},
			SeedDrawn: true,
			Outputs:   []string{"a-1.{ext}", "a-2.{ext}"},
			Quote:     4500,
		},
		Status: plan.New,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("job (-want +got):\n%s", diff)
	}
	if want := job.ID("yslixhq26ng7mjgt"); got.ID != want {
		t.Errorf("identity %s, want %s", got.ID, want)
	}
	if !strings.HasSuffix(got.Place, "m.jsonl:1") {
		t.Errorf("place %q, want the file's first line", got.Place)
	}
}

func TestIdentityIsTheContent(t *testing.T) {
	t.Parallel()
	base := onlyJob(t, "m.jsonl", row(`"parameters": {"width": 512, "steps": 20}`))
	same := map[string]string{
		"other order and spelling": `{"parameters": {"steps": 2e1, "width": 512.0}, "output": "{id}-{n}.{ext}", "prompt": "a lantern", "model": "model_lantern", "id": "a"}`,
		"lines before":             "\n\n" + row(`"parameters": {"width": 512, "steps": 20}`),
		"one sample by name":       row(`"parameters": {"width": 512, "steps": 20}, "samples": 1`),
	}
	for name, text := range same {
		if got := onlyJob(t, "m.jsonl", text); got.ID != base.ID || got.Seed() != base.Seed() {
			t.Errorf("%s: identity %s and seed %s, want %s and %s", name, got.ID, got.Seed(), base.ID, base.Seed())
		}
	}
	other := map[string]string{
		"prompt":    strings.Replace(row(`"parameters": {"width": 512, "steps": 20}`), "a lantern", "a Lantern", 1),
		"parameter": row(`"parameters": {"width": 528, "steps": 20}`),
		"samples":   row(`"parameters": {"width": 512, "steps": 20}, "samples": 2`),
		"output":    strings.Replace(row(`"parameters": {"width": 512, "steps": 20}`), "{id}-", "{id}_", 1),
		"seed":      row(`"parameters": {"width": 512, "steps": 20, "seed": 1}`),
	}
	for name, text := range other {
		if got := onlyJob(t, "m.jsonl", text); got.ID == base.ID {
			t.Errorf("another %s gives the same identity", name)
		}
	}
}

func TestSeeds(t *testing.T) {
	t.Parallel()
	drawn := onlyJob(t, "m.jsonl", strings.Replace(row(""), "{id}-{n}", "{id}-{seed}-{hash8}", 1))
	if want := fmt.Sprint(job.DrawSeed("m", drawn.ID, 2147483647)); drawn.Seed() != want {
		t.Errorf("seed %s, want %s, drawn from batch and identity", drawn.Seed(), want)
	}
	if want := []string{fmt.Sprintf("a-%s-%s.{ext}", drawn.Seed(), drawn.ID[:8])}; !cmp.Equal(drawn.Outputs, want) {
		t.Errorf("outputs %q, want %q", drawn.Outputs, want)
	}
	fixed := onlyJob(t, "m.jsonl", strings.Replace(parameters(`"seed": 7`), "{id}-{n}", "{id}-{seed}", 1))
	if want := []string{"a-7.{ext}"}; fixed.Seed() != "7" || !cmp.Equal(fixed.Outputs, want) {
		t.Errorf("seed %s and outputs %q, want 7 and %q", fixed.Seed(), fixed.Outputs, want)
	}
	if none := onlyJob(t, "m.jsonl", onModel("model_seedless", "")); none.Seed() != "" {
		t.Errorf("seed %s on a model without one", none.Seed())
	}
}

func TestDrawnSeedsKeepTheModelsBounds(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 400 {
		fmt.Fprintf(&text, `{"id": "r%d", "model": "model_wordless", "samples": 2, "output": "{id}-{n}.{ext}", "parameters": {"image": "asset_1"}}`+"\n", i)
	}
	seen := map[string]bool{}
	for _, planned := range all(t, mustMake(t, planOptions(t, text.String()))) {
		seen[planned.Seed()] = true
	}
	if seen["0"] || seen["101"] || !seen["1"] || !seen["100"] {
		t.Errorf("%d seeds, 0: %t, 1: %t, 100: %t, 101: %t; want 1 to 100", len(seen), seen["0"], seen["1"], seen["100"], seen["101"])
	}
}

func TestTextsOfTables(t *testing.T) {
	t.Parallel()
	planned := onlyJob(t, "m.csv", "id,model,prompt,parameters.aspectRatio,parameters.image\na,model_seedless,a cat,16:9,123\n")
	if got := planned.Inputs["image"]; got != "123" {
		t.Errorf("image is %v (%T), want the cell's text", got, got)
	}
	if planned.PromptInput != "text" || planned.Prompt() != "a cat" {
		t.Errorf("prompt %q in %q, want it in the input marked as prompt", planned.Prompt(), planned.PromptInput)
	}
}

func TestVariablesGoWithTheJobs(t *testing.T) {
	t.Parallel()
	planned := onlyJob(t, "m.yaml", `version: 1
name: icons
model: model_lantern
prompt: "{item}, {style}"
items: [{id: health, item: potion}]
styles: {ink: ink drawing}
axes: {product: {style: [ink]}}
output: "{id}/{style}.{ext}"
`)
	if planned.Variables["item"] != "potion" || planned.Variables["style"] != "ink" {
		t.Errorf("variables %v, want item and style", planned.Variables)
	}
}
