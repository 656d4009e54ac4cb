package plan_test

import (
	"strings"
	"testing"
)

// row is a sound row of a JSONL manifest but for what a test puts in.
func row(fields string) string {
	text := `{"id": "a", "model": "model_lantern", "prompt": "a lantern", "output": "{id}-{n}.{ext}"`
	if fields != "" {
		text += ", " + fields
	}
	return text + "}\n"
}

// onModel is a sound row for another model.
func onModel(model, fields string) string {
	return strings.Replace(row(fields), "model_lantern", model, 1)
}

func parameters(text string) string { return row(`"parameters": {` + text + `}`) }

func TestChecks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		row  string
		want string // the message and suggestion
	}{
		{"unknown parameter", parameters(`"widht": 512`), `model_lantern has no parameter "widht"; did you mean "width"?`},
		{"unknown parameter, nothing near", onModel("model_seedless", `"parameters": {"guidance": 3}`),
			`model_seedless has no parameter "guidance"; it has aspectRatio, image, text`},
		{"count under another name", parameters(`"numImages": 2`), `model_lantern has no parameter "numImages"; its number of images is numOutputs; better write samples`},
		{"count where there is none", onModel("model_seedless", `"parameters": {"numOutputs": 2}`),
			`model_seedless has no parameter "numOutputs"; it makes one image a request; write samples for more`},

		{"number as text", parameters(`"width": "512"`), `width is "512", but the model wants a number; write width: 512, without quotes`},
		{"number as word", parameters(`"width": "wide"`), `width is "wide", but the model wants a number`},
		{"boolean for number", parameters(`"width": true`), `width is true, but the model wants a number`},
		{"number under min", parameters(`"width": 64`), `width is 64, but the model takes at least 128; write width: 128`},
		{"number over max", parameters(`"width": 4096`), `width is 4096, but the model takes at most 2048; write width: 2048`},
		{"between steps", parameters(`"width": 500`), `width is 500, but the model takes it in steps of 16; write width: 496`},
		{"between steps of one", parameters(`"steps": 2.5`), `steps is 2.5, but the model takes it in steps of 1; write steps: 3`},
		{"number not allowed", parameters(`"factor": 3`), `factor is 3, but the model takes one of 2, 4`},
		{"seed of half", parameters(`"seed": 1.5`), `seed is 1.5, but the model takes it in steps of 1; write seed: 2`},
		{"list for number", parameters(`"width": [512]`), `width is a list where the model wants a single value; write width: 512`},

		{"text as number", parameters(`"mode": 1`), `mode is 1, but the model wants a text; write mode: "1", in quotes`},
		{"text not allowed", parameters(`"mode": "restyl"`), `mode is "restyl", but the model takes one of plain, restyle, upscale; did you mean "restyle"?`},
		{"list for text", parameters(`"mode": ["plain"]`), `mode is a list where the model wants a single value; write mode: "plain"`},
		{"prompt too long", strings.Replace(row(""), "a lantern", strings.Repeat("é", 41), 1),
			`prompt is 41 characters long, but the model takes at most 40; the provider refuses it and nothing here cuts it; shorten it by 1`},
		{"prompt too short", strings.Replace(row(""), "a lantern", "é", 1), `prompt is 1 character long, but the model wants at least 3`},

		{"boolean as text", parameters(`"tile": "yes"`), `tile is "yes", but the model wants true or false`},
		{"boolean in quotes", parameters(`"tile": "True"`), `tile is "True", but the model wants true or false; write tile: true, without quotes`},

		{"scalar for list of models", parameters(`"loras": "model_lora"`),
			`loras is a single value where the model wants a list; the provider drops it without a word and charges all the same; write loras: ["model_lora"]`},
		{"scalar for list of numbers", parameters(`"lorasScale": 0.8`),
			`lorasScale is a single value where the model wants a list; the provider drops it without a word and charges all the same; write lorasScale: [0.8]`},
		{"scalar for list of files", parameters(`"referenceImages": "asset_1"`),
			`referenceImages is a single value where the model wants a list; the provider drops it without a word and charges all the same; write referenceImages: ["asset_1"]`},
		{"too many items", parameters(`"loras": ["model_lora", "model_lora", "model_lora"]`), `loras has 3 items, but the model takes at most 2`},
		{"too few items", parameters(`"poses": ["asset_1"]`), `poses has 1 item, but the model wants at least 2`},
		{"long item of a list of texts", parameters(`"captions": ["two", "sixsix"]`),
			`item 2: captions is 6 characters long, but the model takes at most 5; the provider refuses it and nothing here cuts it; shorten it by 1`},
		{"short item of a list of texts", parameters(`"captions": ["1"]`), `item 1: captions is 1 character long, but the model wants at least 2`},
		{"item under min", parameters(`"lorasScale": [1, -0.5]`), `item 2: lorasScale is -0.5, but the model takes at least 0; write lorasScale: 0`},
		{"item over max", parameters(`"lorasScale": [3]`), `item 1: lorasScale is 3, but the model takes at most 2; write lorasScale: 2`},
		{"item not allowed", parameters(`"tags": ["day", "nigt"]`), `item 2: tags is "nigt", but the model takes one of day, night, dusk; did you mean "night"?`},
		{"item not an object", parameters(`"layers": ["x"]`), `item 1: layers is "x", but the model wants an object`},

		{"file by link", parameters(`"mask": "https://example.com/m.png", "referenceImages": ["asset_1"]`),
			`mask is "https://example.com/m.png", but the model wants the id of an asset, not a path or a link; give it under images, as images: {mask: https://example.com/m.png}`},
		{"file by path", parameters(`"referenceImages": ["ref.png"]`),
			`item 1: referenceImages is "ref.png", but the model wants the id of an asset, not a path or a link; give it under images, as images: {referenceImages: ref.png}`},

		{"required always", `{"id": "a", "model": "model_lantern", "output": "{id}.{ext}"}` + "\n", `prompt is missing; model_lantern does not run without it`},
		{"required if another is given", parameters(`"mask": "asset_1"`),
			`referenceImages is missing; the model wants it where mask is given; A mask needs an image to lie on.`},
		{"required if another is not given", `{"id": "a", "model": "model_seedless", "output": "{id}.{ext}"}` + "\n",
			`text is missing; the model wants it where image is not given; Give a text or an image.`},
		{"required when", parameters(`"mode": "restyle"`), `strength is missing; the model wants it where mode is restyle`},
		{"required by conditional values", parameters(`"mode": "upscale"`), `factor is missing; the model wants it where mode is upscale`},

		{"prompt for a model without", onModel("model_wordless", `"samples": 2, "parameters": {"image": "asset_1"}`),
			`model_wordless takes no prompt; take the prompt out, or use a model that has one`},
		{"prompt twice", parameters(`"prompt": "a torch"`), `the prompt is given twice, as prompt and as the parameter prompt; take one of them out`},

		{"unknown LoRA", parameters(`"loras": ["model_nowhere"]`),
			`loras: the provider does not know the model "model_nowhere"; compare the id with the one on the model's page; a private model needs a key of its own project`},
		{"composition among LoRAs", parameters(`"loras": ["model_composition"]`),
			`loras names model_composition of type lantern-composition, but takes only lantern-lora; name it in the parameter modelId`},
		{"runnable model as LoRA", parameters(`"modelId": "model_seedless"`),
			`modelId names model_seedless of type custom, but takes only lantern-lora, lantern-composition`},
		{"LoRA in training", parameters(`"loras": ["model_raw"]`), `loras names model_raw, which is not ready: its status is "training"; wait until its training has ended`},

		{"unknown model", onModel("model_nowhere", ""),
			`the provider does not know the model "model_nowhere"; compare the id with the one on the model's page; a private model needs a key of its own project`},
		{"LoRA as model", onModel("model_lora", ""),
			`model_lora is of type lantern-lora, which does not run by itself; run its base model and name it in the parameter loras`},
		{"composition as model", onModel("model_composition", ""),
			`model_composition is of type lantern-composition, which does not run by itself; run its base model and name it in the parameter modelId`},
		{"model in training", onModel("model_unready", ""), `model_unready is not ready: its status is "training"; wait until its training has ended`},
		{"deprecated model", onModel("model_old", ""), `model_old is deprecated; use its successor model_lantern`},

		{"seed on a model without", onModel("model_seedless", `"parameters": {"seed": 1}`),
			`model_seedless has no seed; its images cannot be made again; take the seed out`},
		{"seed in the output of a model without", strings.Replace(onModel("model_seedless", ""), "{n}", "{seed}", 1),
			`the output has {seed}, but model_seedless has no seed; use {n} or {hash8}`},

		{"samples and count", row(`"samples": 2, "parameters": {"numOutputs": 2}`),
			`the number of images is given twice: samples is 2 and numOutputs is 2; take numOutputs out; samples are bundled into as few requests as the model allows`},
		{"count over max", parameters(`"numOutputs": 5`), `numOutputs is 5, but the model takes at most 4; write numOutputs: 4`},
		{"count beyond reason where the model names no bound", `{"id": "a", "model": "model_boundless", "prompt": "x", "output": "{id}-{n}.{ext}", "parameters": {"numSamples": 900000000000}}` + "\n",
			`numSamples asks for 900000000000 images in one request; here it may ask for 1000; write samples, which are bundled into as few requests as the model allows`},
		{"fixed seed over several requests", row(`"samples": 6, "parameters": {"seed": 7}`),
			`seed 7 is fixed and 6 images need more than one request to model_lantern, which makes 4 at most: the same images would be bought again; write samples: 4, or take the seed out, or make it an axis`},
		{"count that leaves a refused rest", `{"id": "a", "model": "model_wordless", "output": "{id}-{n}.{ext}", "samples": 3, "parameters": {"image": "asset_1"}}` + "\n",
			`3 samples leave a request of 1 image, which model_wordless does not take`},
		{"several images under one name", strings.Replace(row(`"parameters": {"numOutputs": 2}`), "-{n}", "", 1),
			`2 images would be stored under the one name "a.{ext}"; put {n} into the output, the number of the image`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCatalog(t)
			_, got, _ := strings.Cut(complaints(t, open(t, "m.jsonl", test.row), c), ": ")
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if len(c.dryRuns) > 0 {
				t.Errorf("%d dry runs for a manifest with problems", len(c.dryRuns))
			}
		})
	}
}

func TestSoundRowsPass(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"plain":                   row(""),
		"steps counted from zero": parameters(`"width": 1104, "height": 832`),
		"fraction between steps":  parameters(`"mode": "restyle", "strength": 0.333`),
		"scale between steps":     parameters(`"loras": ["model_lora"], "lorasScale": [0.33]`),
		"model that names none":   parameters(`"modelId": "", "loras": []`),
		"composition":             parameters(`"modelId": "model_composition"`),
		"file as data":            parameters(`"referenceImages": ["` + dotPNG + `"]`),
		"mask with its image":     parameters(`"mask": "asset_1", "referenceImages": ["asset_2"]`),
		"prompt of 40 characters": strings.Replace(row(""), "a lantern", strings.Repeat("é", 40), 1),
		"prompt as parameter":     `{"id": "a", "model": "model_lantern", "parameters": {"prompt": "a torch"}, "output": "{id}.{ext}"}` + "\n",
		"image instead of text":   `{"id": "a", "model": "model_seedless", "parameters": {"image": "asset_1"}, "output": "{id}.{ext}"}` + "\n",
		"several from one seed":   row(`"samples": 4, "parameters": {"seed": 7}`),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := mustMake(t, planOptions(t, text))
			if p.Jobs != 1 || p.Cost == 0 {
				t.Errorf("%d jobs at %s CU, want one that costs something", p.Jobs, p.Cost)
			}
		})
	}
}
