package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/plan"
)

func TestParametersTakenForVariables(t *testing.T) {
	t.Parallel()
	const wrong = " is taken for a variable, but nothing uses it; did you mean "
	tests := []struct {
		name, file, text string
		want             string
	}{
		{"column", "m.csv", "id,model,prompt,width\na,model_lantern,a lantern,512\nb,model_lantern,a lantern,\nc,model_lantern,a lantern,640\n",
			"m.csv:2:27: width" + wrong + "parameters.width?\nm.csv:4:27: width" + wrong + "parameters.width?"},
		{"field of a line", "m.jsonl", row(`"Tile": true`), "m.jsonl:1:98: Tile" + wrong + "parameters.tile?"},
		{"prompt by the model's name", "m.jsonl", `{"id": "a", "model": "model_seedless", "text": "a lantern", "parameters": {"image": "asset_1"}}` + "\n",
			"m.jsonl:1:48: text" + wrong + "prompt?"},
		{"number of images by the model's name", "m.jsonl", row(`"numOutputs": 3`), "m.jsonl:1:104: numOutputs" + wrong + "samples?"},
		{"name in another form", "m.csv", "id,model,prompt,Num-Inference Steps,num_outputs,Random Seed\na,model_lantern,a lantern,5,2,7\n",
			"m.csv:2:27: Num-Inference Steps" + wrong + "parameters.steps?\nm.csv:2:29: num_outputs" + wrong + "samples?\nm.csv:2:31: Random Seed" + wrong + "seed?"},
		{"a short name, with a value that suits", "m.csv", "id,model,prompt,w\na,model_lantern,a lantern,640\n", "m.csv:2:27: w" + wrong + "parameters.width?"},
		{"prompt by another name", "m.jsonl", `{"id": "a", "model": "model_lantern", "caption": "a lantern"}` + "\n",
			"m.jsonl:1:1: prompt is missing; model_lantern does not run without it; is it in caption? Name that prompt, or write {caption} into a prompt"},
		{"one letter wrong", "m.csv", "id,model,prompt,widht\na,model_lantern,a lantern,512\n", "m.csv:2:27: widht" + wrong + "parameters.width?"},
		{"fields by names of other tools", "m.jsonl", `{"id": "a", "checkpoint": "x", "model": "model_lantern", "num_images": 2, "file_name": "a.png", "positive": "fox"}` + "\n",
			"m.jsonl:1:1: prompt is missing; model_lantern does not run without it\nm.jsonl:1:72: num_images" + wrong + "samples?\nm.jsonl:1:88: file_name" + wrong + "output?\nm.jsonl:1:109: positive" + wrong + "prompt?"},
		{"item", "m.yaml", unusedIn("items: [{id: a, item: fox, width: 640}]"), "m.yaml:5:35: width" + wrong + "parameters.width?"},
		{"defaults", "m.yaml", unusedIn("defaults: {width: 640}\nitems: [{id: a, item: fox}, {id: b, item: owl}]"),
			"m.yaml:5:19: width is taken for a variable, but nothing uses it (in 2 rows); did you mean parameters.width?"},
		{"item, where the defaults give the parameter", "m.yaml", unusedIn("defaults: {parameters: {width: 512}}\nitems: [{id: a, item: fox, width: 640}]"),
			"m.yaml:6:35: width" + wrong + "parameters.width?"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, complaints(t, open(t, test.file, test.text), newCatalog(t))); diff != "" {
				t.Errorf("complaints (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVariablesThatArePutToUsePass(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"in the prompt":                         unusedIn("items: [{id: a, item: fox, width: wide, prompt: '{item} {width}'}]"),
		"in the output":                         unusedIn("output: '{width}/{id}.{ext}'\nitems: [{id: a, item: fox, width: wide}]"),
		"in a parameter":                        unusedIn("items: [{id: a, item: fox, width: day, parameters: {tags: [night, '{width}']}}]"),
		"in a style":                            unusedIn("styles: {oil: 'oil, {width}'}\nitems: [{id: a, item: fox, width: wide, style: oil, prompt: '{style} {item}'}]"),
		"in the style of other rows":            unusedIn("styles: {oil: 'oil, {width}', ink: ink}\nitems: [{id: a, item: fox, width: wide, style: ink, prompt: '{style} {item}'}]"),
		"in the prompt of other rows":           unusedIn("items: [{id: a, item: x, width: wide, prompt: a fox}]", "{item}", "{item} {width}"),
		"beside the parameter":                  unusedIn("items: [{id: a, item: fox, width: wide, parameters: {width: 512}}]"),
		"beside the samples":                    unusedIn("items: [{id: a, item: fox, numOutputs: two, samples: 2}]"),
		"beside the prompt":                     unusedIn("items: [{id: a, item: fox, model: model_seedless, text: small}]"),
		"an axis":                               unusedIn("items: [{id: a, item: fox, width: 1}]\naxes: {product: {width: [2]}}", "{item}", "{item} {width}"),
		"beside the parameter, in another form": unusedIn("items: [{id: a, item: fox, Width_: wide, parameters: {width: 512}}]"),
		"a size of its own":                     unusedIn("items: [{id: a, item: fox, w: wide, neg: no}]"),
		"columns of a shop":                     unusedIn("items: [{id: a, item: fox, model_name: EOS 5D, variations: red and blue, image_name: Front view}]"),
		"of another name":                       unusedIn("items: [{id: a, item: fox, category: beasts}]"),
		"empty":                                 unusedIn("items: [{id: a, item: fox, width: ''}]"),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustMake(t, plan.Options{Manifest: open(t, "m.yaml", text), Catalog: newCatalog(t)})
		})
	}
}

// unusedIn is a manifest of four lines and some more, in which texts are replaced
// in pairs.
func unusedIn(more string, pairs ...string) string {
	return strings.NewReplacer(pairs...).Replace("version: 1\nname: a\nmodel: model_lantern\nprompt: \"a {item}\"\n") + more + "\n"
}

// A column of pictures that nothing uses means an input of the model that takes pictures.
func TestPicturesTakenForVariables(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ column, value, model, meant string }{
		{"picture", "hero.png", "model_bfl-flux-2-dev", "images.referenceImages"},
		{"reference", "https://host/a", "model_bfl-flux-2-dev", "images.referenceImages"},
		{"ref", "asset_12345", "model_bfl-flux-2-dev", "images.referenceImages"},
		{"image", "hero.JPG", "model_bfl-flux-2-dev", "images.referenceImages"},
		{"images", "[\"a.png\", \"b.png\"]", "model_bfl-flux-2-dev", "images.referenceImages"},
		{"init_image", "hero.webp", "model_bfl-flux-2-dev", "images.referenceImages"},
		{"referenceImages", "hero.png", "model_bfl-flux-2-dev", "images.referenceImages"},
		{"Reference Images", "hero.png", "model_bfl-flux-2-dev", "images.referenceImages"},
		{"picture", "hero.png", "model_bfl-flux-1-dev", "images.image"},
		{"image", "hero.png", "model_bfl-flux-1-dev", "images.image"},
		{"reference", "PO-1234", "model_lantern", ""},
		{"photo", "yes", "model_lantern", ""},
		{"thumbnail", "hero.png", "model_lantern", ""},
	} {
		t.Run(test.column+" "+test.value+" "+test.model, func(t *testing.T) {
			t.Parallel()
			value := `"` + strings.ReplaceAll(test.value, `"`, `""`) + `"`
			text := "id,model,prompt," + test.column + "\na," + test.model + ",a hat," + value + "\n"
			m := open(t, "m.csv", text)
			if test.meant == "" {
				mustMake(t, plan.Options{Manifest: m, Catalog: newCatalog(t)})
				return
			}
			got, want := complaints(t, m, newCatalog(t)), test.column+" is taken for a variable, but nothing uses it; did you mean "+test.meant+"?"
			if !strings.HasSuffix(got, ": "+want) || strings.Count(got, "\n") > 0 {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// A model that takes no pictures is told of with how others take them.
func TestPicturesForNoInput(t *testing.T) {
	t.Parallel()
	p := mustMake(t, plan.Options{Manifest: open(t, "m.csv", "id,model,prompt,picture\na,model_boundless,a hat,hero.png\n"), Catalog: newCatalog(t)})
	const want = "m.csv: nothing uses these columns: picture; to give picture to a model that takes pictures, call it images.NAME, NAME being the input"
	if len(p.Warnings) != 1 || !strings.HasSuffix(p.Warnings[0], want) {
		t.Errorf("warnings are %q, want one of %q", p.Warnings, want)
	}
}
