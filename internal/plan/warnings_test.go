package plan_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/plan"
)

// TestWarnings holds what is told of manifests that can run and say what nobody means.
func TestWarnings(t *testing.T) {
	t.Parallel()
	const (
		twin     = ": the row has model, inputs and seed of an earlier one: the same image is made and paid again"
		style    = ": the row has a style, but its prompt has no {style}: the text of the style is not sent; write {style} where the text belongs"
		wildcard = " write {color} in the prompt and axes: {product: {color: [red, green]}}, " +
			"which makes every one; with sample: {n: 1} beside product, one is drawn for each row"
	)
	tests := []struct {
		name, file, text string
		want             []string
	}{
		{"nothing", "m.yaml", unusedIn("items: [{id: a, item: fox}]"), []string{}},
		{"unused columns", "m.csv", "id,model,prompt,title,Negative Prompt,title2\na,model_lantern,fox,t,ugly,\nb,model_lantern,owl,t,,t\n",
			[]string{"m.csv: nothing uses these columns: title, Negative Prompt, title2; the model takes no Negative Prompt; write {title} in the prompt to use one"}},
		{"unused fields", "m.yaml", unusedIn("items: [{id: a, item: fox, style: ink, aspect_ratio: '16:9'}]"),
			[]string{"m.yaml: nothing uses these fields: style, aspect_ratio; the model takes no aspect_ratio; write {style} in the prompt to use one; " +
				"the size is set by parameters.width and parameters.height"}},
		{"named outputs", "m.yaml", unusedIn("output: '{id}.{ext}'\nitems: [{id: a, item: fox, filename: hero.png}]"),
			[]string{"m.yaml: nothing uses these fields: filename; write {filename} in the prompt to use one"}},
		{"styles without their text", "m.yaml", unusedIn("styles: {ink: black ink}\nitems: [{id: a, item: fox, style: ink}, {id: b, item: owl, style: ink, prompt: '{item} {style}'}]"),
			[]string{"m.yaml:6:35" + style}},
		{"a style axis that sets parameters", "m.yaml", unusedIn("styles: {ink: {text: black ink, parameters: {width: 640}}}\nitems: [{id: a, item: fox}]\naxes: {product: {style: [ink]}}"),
			[]string{"m.yaml:7:18" + style}},
		{"a style in the name only", "m.yaml", unusedIn("styles: {ink: black ink}\noutput: '{style}-{id}.{ext}'\nitems: [{id: a, item: fox, style: ink}]"),
			[]string{"m.yaml:7:35" + style}},
		{"equal rows", "m.yaml", unusedIn("items: [{id: a, item: fox, seed: 7}, {id: b, item: fox, seed: 7}, {id: c, item: fox}, {id: d, item: fox}, {id: e, item: fox, seed: 8}]"),
			[]string{"m.yaml:5:38" + twin + "; the other one is m.yaml:5:9; give them different seeds, or take one out"}},
		{"wildcards", "m.yaml", unusedIn("items: [{id: a, item: fox, prompt: '<random:red,blue> __color__ {{a|b}} fox'}]"),
			[]string{`m.yaml:5:36: the text holds wildcards of other tools, which go to the model as they stand; in place of "<random:red,blue> __color__ {a|b}"` + wildcard}},
		{"LoRAs", "m.yaml", unusedIn("items: [{id: a, item: fox, prompt: 'fox <lora:ink:0.8> __'}]"),
			[]string{`m.yaml:5:36: the text names a LoRA, which goes to the model as it stands; name "<lora:ink:0.8>" in the parameters of the row, as the model calls it`}},
		{"a comment that cuts", "m.yaml", unusedIn("items:\n  - id: a\n    item: fox #1"),
			[]string{"m.yaml:7:11: # begins a comment here, and the text ends before it; quote the text if it goes on; write two blanks before the # and one behind it if not"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := open(t, test.file, test.text)
			p := mustMake(t, plan.Options{Manifest: m, Catalog: newCatalog(t)})
			got := []string{}
			for _, warning := range p.Warnings {
				got = append(got, strings.ReplaceAll(warning, filepath.Dir(m.Path)+string(filepath.Separator), ""))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWarningsAreBounded plans many rows that all have something to tell.
func TestWarningsAreBounded(t *testing.T) {
	t.Parallel()
	var rows strings.Builder
	rows.WriteString("id,model,prompt,seed\n")
	for i := range 3000 {
		rows.WriteString("r" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26) + ",model_lantern,__a__ fox,1\n")
	}
	p := mustMake(t, plan.Options{Manifest: open(t, "m.csv", rows.String()), Catalog: newCatalog(t)})
	if len(p.Warnings) != 10 || !strings.Contains(strings.Join(p.Warnings, "\n"), "and so on in 2,994 more rows") {
		t.Errorf("3000 rows give %d warnings: %q", len(p.Warnings), p.Warnings)
	}
}
