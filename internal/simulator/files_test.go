package simulator_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"maps"
	"net/http"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/simulator"
)

const gptPath = "/v1/generate/custom/model_openai-gpt-image-2"

func dataURL(data []byte) string {
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(data)
}

// plainQuote is the body of a dry run without an add-on.
func plainQuote(cost float64) map[string]any {
	return map[string]any{
		"creativeUnitsCost": cost, "creativeUnitsDiscount": 0.0, "costDetails": map[string]any{"custom-generation": cost},
	}
}

func eleven(value any) []any {
	var values []any
	for range 11 {
		values = append(values, value)
	}
	return values
}

// TestFileInputs: what a request names must exist and fit, in dry runs and paid calls alike.
func TestFileInputs(t *testing.T) {
	t.Parallel()
	small := fstest.MapFS{"small.json": {Data: []byte(`{"model": {"id": "model_small", "type": "custom", "inputs": [
		{"name": "image", "type": "file", "kind": "image", "maxSize": 200}, {"name": "clip", "type": "file", "kind": "video"},
		{"name": "words", "type": "string_array", "maxLength": 4}]}}`)}}
	b := setup(t, simulator.Options{Latency: instant, Models: small})
	id, large, gone := b.upload("a.png", pngOf(9, 9)), b.upload("b.png", padded(pngOf(9, 9), 300)), b.upload("c.png", pngOf(9, 9))
	b.must("DELETE", "/v1/assets", encode(map[string]any{"assetIds": []string{gone}}))
	const remove, strict = "model_bria-remove-background", "model_sim-strict"
	for name, test := range map[string]struct {
		model  string
		body   map[string]any
		status int
		want   any
	}{
		"a reference":           {"model_openai-gpt-image-2", map[string]any{"prompt": "a", "referenceImages": []any{id}}, statusDryRun, plainQuote(12)},
		"unknown":               {"model_openai-gpt-image-2", map[string]any{"prompt": "a", "referenceImages": []any{id, "asset_x"}}, 404, why("Asset asset_x not found")},
		"deleted":               {"model_openai-gpt-image-2", map[string]any{"prompt": "a", "referenceImages": []any{gone}}, 404, why("Asset " + gone + " not found")},
		"no id":                 {"model_openai-gpt-image-2", map[string]any{"prompt": "a", "referenceImages": []any{7}}, 400, why("Input referenceImages must be the id of an asset")},
		"too many":              {"model_openai-gpt-image-2", map[string]any{"prompt": "a", "referenceImages": eleven(id)}, 400, why("Input referenceImages must be at most 10 items long")},
		"a mask":                {"model_openai-gpt-image-2", map[string]any{"prompt": "a", "referenceImages": []any{id}, "mask": id}, statusDryRun, plainQuote(12)},
		"a mask that is gone":   {"model_openai-gpt-image-2", map[string]any{"prompt": "a", "referenceImages": []any{id}, "mask": gone}, 404, why("Asset " + gone + " not found")},
		"a data URL":            {"model_openai-gpt-image-2", map[string]any{"prompt": "a", "referenceImages": []any{dataURL(pngOf(5, 5))}}, statusDryRun, plainQuote(12)},
		"free references":       {"model_bfl-flux-2-dev", map[string]any{"prompt": "a", "referenceImages": []any{id, large}}, statusDryRun, quote(17.75, 16, 1.75)},
		"an image and strength": {"model_bfl-flux-1-dev", map[string]any{"prompt": "a", "image": id, "strength": 0.3}, statusDryRun, quote(10.75, 9, 1.75)},
		"a tool":                {remove, map[string]any{"image": id}, statusDryRun, plainQuote(3)},
		"cheap tool":            {"model_birefnet-background-removal", map[string]any{"image": id}, statusDryRun, plainQuote(2)},
		"crisp upscale":         {"model_recraft-crisp-upscale", map[string]any{"image": id}, statusDryRun, plainQuote(2)},
		"upscale":               {"model_upscale-v3", map[string]any{"image": id, "upscaleFactor": 16}, statusDryRun, plainQuote(10)},
		"upscale by too much":   {"model_upscale-v3", map[string]any{"image": id, "upscaleFactor": 17}, 400, why("Input upscaleFactor must be at most 16")},
		"a tool without":        {remove, map[string]any{}, 400, why("Input image is required")},
		"a tool with a prompt":  {remove, map[string]any{"image": id, "prompt": "a", "width": 5, "seed": 1}, statusDryRun, plainQuote(3)},
		"takes none":            {strict, map[string]any{"prompt": "a", "referenceImages": []any{id}}, 400, why("Input referenceImages is not an input of model model_sim-strict")},
		"takes none, odd name":  {strict, map[string]any{"prompt": "a", "picture": id}, 400, why("Input picture is not an input of model model_sim-strict")},
		"too large":             {"model_small", map[string]any{"image": large}, 400, why("Input image must be at most 200 bytes")},
		"just fits":             {"model_small", map[string]any{"image": id}, statusDryRun, plainQuote(5)},
		"of another kind":       {"model_small", map[string]any{"clip": id}, 400, why("Input clip must be an asset of kind video")},
		"many short words":      {"model_small", map[string]any{"words": eleven("four")}, statusDryRun, plainQuote(5)},
		"a long word":           {"model_small", map[string]any{"words": []any{"four", "fives"}}, 400, why("Input words must be at most 4 characters long")},
	} {
		dry := b.must("POST", "/v1/generate/custom/"+test.model+"?dryRun=true", encode(test.body))
		if diff := cmp.Diff([]any{test.status, test.want}, []any{dry.status, any(dry.body)}); diff != "" {
			t.Errorf("%s, dry (-want +got):\n%s", name, diff)
		}
		paid := b.must("POST", "/v1/generate/custom/"+test.model, encode(test.body))
		if accepted := paid.status == http.StatusOK; accepted != (test.status == statusDryRun) {
			t.Errorf("%s, paid: %d %v", name, paid.status, paid.body)
		}
	}
}

// run starts a job and returns its only asset, with its pixels.
func (b *bench) run(path string, inputs map[string]any) (map[string]any, image.Image) {
	b.t.Helper()
	got := b.must("POST", path, encode(inputs))
	if got.status != http.StatusOK {
		b.t.Fatalf("%s answered %d %v", path, got.status, got.body)
	}
	asset := b.asset(b.assets(at(got.body, "job", "jobId").(string))[0])
	_, _, data, err := b.download(asset["url"].(string))
	if err != nil {
		b.t.Fatal(err)
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		b.t.Fatal(err)
	}
	return asset, img
}

func alphaAt(img image.Image, x, y int) uint32 {
	_, _, _, alpha := img.At(x, y).RGBA()
	return alpha
}

// TestTools: the results are of the image that goes in, and say so.
func TestTools(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	id := b.upload("a.png", pngOf(40, 20))
	cut, img := b.run("/v1/generate/custom/model_bria-remove-background", map[string]any{"image": id})
	if alphaAt(img, 0, 0) != 0 || alphaAt(img, 20, 10) != 0xffff || img.Bounds().Dx() != 40 || img.Bounds().Dy() != 20 {
		t.Errorf("cut out: %v, alpha %d outside and %d inside", img.Bounds(), alphaAt(img, 0, 0), alphaAt(img, 20, 10))
	}
	want := []any{"background-removal", "background-removal", id, "image/png", 40.0}
	have := []any{cut["source"], at(cut, "metadata", "type"), at(cut, "metadata", "parentId"), cut["mimeType"], at(cut, "properties", "width")}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	// A result goes into the next tool as an upload does, and keeps what is transparent.
	large, img := b.run("/v1/generate/custom/model_recraft-crisp-upscale", map[string]any{"image": cut["id"]})
	if img.Bounds().Dx() != 160 || img.Bounds().Dy() != 80 || alphaAt(img, 0, 0) != 0 || at(large, "metadata", "parentId") != cut["id"] {
		t.Errorf("enlarged: %v from %v", img.Bounds(), at(large, "metadata", "parentId"))
	}
	if _, img := b.run("/v1/generate/custom/model_upscale-v3", map[string]any{"image": id}); img.Bounds().Dx() != 80 {
		t.Errorf("by the default: %v", img.Bounds())
	}
	if _, img := b.run("/v1/generate/custom/model_upscale-v3", map[string]any{"image": id, "upscaleFactor": 3}); img.Bounds().Dx() != 120 {
		t.Errorf("three times: %v", img.Bounds())
	}
	for query, wanted := range map[string]int{
		"parentAssetId=" + id: 3, "rootAssetId=" + id: 4, "parentAssetId=" + cut["id"].(string): 1, "types=upscale,uploaded": 4, "type=background-removal": 1,
	} {
		if rows := b.get("/v1/assets?" + query).body["assets"].([]any); len(rows) != wanted {
			t.Errorf("%s lists %d assets, want %d", query, len(rows), wanted)
		}
	}
}

// TestReferencesShow: a picture is of its references, and the same each time.
func TestReferencesShow(t *testing.T) {
	t.Parallel()
	pictures := func() map[string]string {
		b := setup(t, simulator.Options{Latency: instant})
		one, other := b.upload("a.png", pngOf(40, 20)), b.upload("b.png", pngOf(20, 40))
		made := map[string]string{}
		for name, more := range map[string]map[string]any{
			"none": {}, "one": {"image": one}, "other": {"image": other}, "weak": {"image": one, "strength": 0.1},
		} {
			inputs := map[string]any{"prompt": "a fox", "seed": 7, "width": 128, "height": 128}
			maps.Copy(inputs, more)
			asset, _ := b.run(fluxPath, inputs)
			_, _, data, err := b.download(asset["url"].(string))
			if err != nil {
				t.Fatal(err)
			}
			made[name] = sumOf(data)
			if kind := asset["source"]; (kind == "inference-txt") != (name == "none") {
				t.Errorf("%s: source %v", name, kind)
			}
		}
		return made
	}
	first, second := pictures(), pictures()
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("drawn again (-first +second):\n%s", diff)
	}
	different := map[string]bool{}
	for _, sum := range first {
		different[sum] = true
	}
	if len(different) != len(first) {
		t.Errorf("some are alike: %v", first)
	}
}

// TestDataURLs become assets when the call is paid, and not before.
func TestDataURLs(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	data := pngOf(16, 16)
	body := encode(map[string]any{"prompt": "a", "referenceImages": []any{dataURL(data)}})
	b.must("POST", gptPath+"?dryRun=true", body)
	if n := len(b.sim.Uploads()); n != 0 {
		t.Fatalf("a dry run made %d assets", n)
	}
	id := at(b.must("POST", gptPath, body).body, "job", "jobId").(string)
	uploads := b.sim.Uploads()
	if len(uploads) != 1 || uploads[0].SHA256 != sumOf(data) || uploads[0].Route != simulator.UploadAsInput {
		t.Fatalf("the ledger shows %+v", uploads)
	}
	want := []any{uploads[0].AssetID}
	if diff := cmp.Diff(want, at(b.job(id), "metadata", "input", "referenceImages")); diff != "" {
		t.Errorf("the job shows (-want +got):\n%s", diff)
	}
	if parent := at(b.asset(b.assets(id)[0]), "metadata", "parentId"); parent != uploads[0].AssetID {
		t.Errorf("the result is of %v", parent)
	}
}

// TestDeletedInput: the asset goes between the dry run and the paid call.
func TestDeletedInput(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	id := b.upload("a.png", pngOf(9, 9))
	b.faults(simulator.Fault{Kind: simulator.FaultDeleteInput, Next: 1})
	body := encode(map[string]any{"prompt": "a", "referenceImages": []any{id}})
	if got := b.must("POST", gptPath+"?dryRun=true", body); got.status != statusDryRun {
		t.Errorf("the dry run answered %d", got.status)
	}
	if got := b.must("POST", gptPath, encode(map[string]any{"prompt": "a"})); got.status != 200 {
		t.Errorf("a call without images answered %d", got.status)
	}
	if got := b.must("POST", gptPath, body); got.status != 404 {
		t.Errorf("the paid call answered %d", got.status)
	}
	if got := b.get("/v1/assets/" + id); got.status != 404 {
		t.Errorf("the asset answered %d", got.status)
	}
	if n := len(b.sim.Ledger()); n != 1 {
		t.Errorf("%d jobs were paid", n)
	}
}

// TestTransforms: only who asks for the original gets it.
func TestTransforms(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	data := pngOf(64, 32)
	id := b.upload("a.png", data)
	bulk := func(query string) any {
		got := b.must("POST", "/v1/assets/get-bulk"+query, encode(map[string]any{"assetIds": []string{id}}))
		return at(got.body["assets"].([]any)[0], "url")
	}
	list := func(query string) any { return at(b.get("/v1/assets" + query).body["assets"].([]any)[0], "url") }
	const original = "?originalAssets=true"
	for name, test := range map[string]struct {
		link     any
		original bool
	}{
		"single": {at(b.get("/v1/assets/"+id).body, "asset", "url"), false}, "single, original": {b.asset(id)["url"], true},
		"bulk": {bulk(""), false}, "bulk, original": {bulk(original), true}, "bulk, not": {bulk("?originalAssets=false"), false},
		"list": {list(""), false}, "list, original": {list(original), true},
	} {
		status, kind, got, err := b.download(test.link.(string))
		if status != 200 || err != nil {
			t.Fatalf("%s: %d, %v", name, status, err)
		}
		config, format, err := image.DecodeConfig(bytes.NewReader(got))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		small := format == "jpeg" && kind == "image/jpeg" && config.Width == 32 && config.Height == 16
		if bytes.Equal(got, data) != test.original || small == test.original {
			t.Errorf("%s: %s of %d x %d pixels, %s", name, format, config.Width, config.Height, kind)
		}
	}
	b.faults(simulator.Fault{Kind: simulator.FaultTransformOriginal, Next: 1})
	asset := b.asset(id)
	if _, _, got, _ := b.download(asset["url"].(string)); bytes.Equal(got, data) || at(asset, "properties", "width") != 64.0 {
		t.Errorf("transform-original: %d bytes, record %v", len(got), asset["properties"])
	}
}
