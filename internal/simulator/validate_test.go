package simulator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/simulator"
)

const statusDryRun = 269

func quote(total, generation, gate float64) map[string]any {
	return map[string]any{
		"creativeUnitsCost": total, "creativeUnitsDiscount": 0.0,
		"costDetails": map[string]any{"custom-generation": generation, "quality-gate": gate},
	}
}

func why(text string) map[string]any { return map[string]any{"reason": text} }

// TestDryRuns goes through requests whose answers were recorded on the real API,
// and others in the same manner.
func TestDryRuns(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{})
	const lora = "model_YQrES2iPys22nYwh3YhVfMh8"
	seven := func(value any) []any { return []any{value, value, value, value, value, value, value} }
	for name, test := range map[string]struct {
		model  string
		body   map[string]any
		status int
		want   map[string]any
	}{
		"prompt alone": {"model_bfl-flux-1-dev", map[string]any{"prompt": "a cabin"}, statusDryRun, quote(10.75, 9, 1.75)},
		"a LoRA": {
			"model_bfl-flux-1-dev", map[string]any{"prompt": "a cabin", "loras": []any{lora}, "lorasScale": []any{0.8}},
			statusDryRun, quote(10.75, 9, 1.75),
		},
		"a LoRA without scale": {
			"model_bfl-flux-1-dev", map[string]any{"prompt": "a cabin", "loras": []any{lora}}, statusDryRun, quote(10.75, 9, 1.75),
		},
		"a LoRA as the model": {
			lora, map[string]any{"prompt": "a cabin"}, 400, why("Custom models only are supported for this endpoint"),
		},
		"scale under min": {
			"model_bfl-flux-1-dev", map[string]any{"prompt": "a cabin", "loras": []any{lora}, "lorasScale": []any{-0.5}},
			statusDryRun, quote(10.75, 9, 1.75),
		},
		"scale over max": {
			"model_bfl-flux-1-dev", map[string]any{"prompt": "a cabin", "loras": []any{lora}, "lorasScale": []any{3}},
			400, why("Input lorasScale must be at most 2"),
		},
		"too many LoRAs": {
			"model_bfl-flux-1-dev", map[string]any{"prompt": "a cabin", "loras": seven(lora), "lorasScale": seven(0.5)},
			400, why("Input loras must be at most 6 items long"),
		},
		"unknown LoRA": {
			"model_bfl-flux-1-dev", map[string]any{"prompt": "a cabin", "loras": []any{"model_missing"}},
			404, why("Model model_missing not found"),
		},
		"LoRA of another family": {
			"model_bfl-flux-1-dev", map[string]any{"prompt": "a cabin", "loras": []any{"model_sim-lora-gouache"}},
			400, why("Invalid model(s): model_sim-lora-gouache.\nAllowed model types: flux.1-lora, flux.1-composition"),
		},
		"composition among LoRAs": {
			"model_bfl-flux-1-dev", map[string]any{"prompt": "a cabin", "loras": []any{"model_7oiHtKChpcLpy4jq3Jq2BG8n"}},
			400, why("Invalid model(s): model_7oiHtKChpcLpy4jq3Jq2BG8n.\nAllowed model types: flux.1-lora"),
		},
		"composition as modelId": {
			"model_bfl-flux-1-dev", map[string]any{"prompt": "a cabin", "modelId": "model_7oiHtKChpcLpy4jq3Jq2BG8n"},
			statusDryRun, quote(10.75, 9, 1.75),
		},
		"unknown model":  {"model_missing", map[string]any{"prompt": "a cabin"}, 404, why("Model model_missing not found")},
		"no prompt":      {"model_bfl-flux-1-dev", map[string]any{}, 400, why("Input prompt is required")},
		"empty prompt":   {"model_bfl-flux-1-dev", map[string]any{"prompt": ""}, 400, why("Input prompt is required")},
		"width over max": {"model_bfl-flux-1-dev", map[string]any{"prompt": "a", "width": 4096}, 400, why("Input width must be at most 2048")},
		"width under min": {
			"model_bfl-flux-1-dev", map[string]any{"prompt": "a", "width": 64}, 400, why("Input width must be at least 128"),
		},
		"width as text": {"model_bfl-flux-1-dev", map[string]any{"prompt": "a", "width": "wide"}, 400, why("Input width must be a number")},
		"long prompt": {
			"model_bfl-flux-1-dev", map[string]any{"prompt": strings.Repeat("é", 2049)},
			400, why("Input prompt must be at most 2048 characters long"),
		},
		"prompt of just the length": {
			"model_bfl-flux-1-dev", map[string]any{"prompt": strings.Repeat("é", 2048)}, statusDryRun, quote(10.75, 9, 1.75),
		},
		"value outside the list": {
			"model_openai-gpt-image-2", map[string]any{"prompt": "a", "quality": "best"},
			400, why("Input quality must be one of auto, high, medium, low"),
		},
		"mask without image": {
			"model_openai-gpt-image-2", map[string]any{"prompt": "a", "mask": "asset_1"},
			400, why("A reference image is required when a mask is provided."),
		},
		"bare value for a list": {
			"model_bfl-flux-2-dev", map[string]any{"prompt": "a", "referenceImages": "asset_1"}, statusDryRun, quote(17.75, 16, 1.75),
		},
		"unknown field": {"model_bfl-flux-1-dev", map[string]any{"prompt": "a", "sparkle": 9}, statusDryRun, quote(10.75, 9, 1.75)},
		"two images":    {"model_bfl-flux-2-dev", map[string]any{"prompt": "a", "numOutputs": 2}, statusDryRun, quote(35.5, 32, 3.5)},
		"more steps": {
			"model_bfl-flux-1-dev", map[string]any{"prompt": "a", "numInferenceSteps": 42}, statusDryRun, quote(15.25, 13.5, 1.75),
		},
		"fewer steps": {
			"model_bfl-flux-1-dev", map[string]any{"prompt": "a", "numInferenceSteps": 7}, statusDryRun, quote(10.75, 9, 1.75),
		},
	} {
		got := b.must("POST", "/v1/generate/custom/"+test.model+"?dryRun=true", encode(test.body))
		if diff := cmp.Diff(test.status, got.status); diff != "" {
			t.Errorf("%s: status (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(test.want, got.body); diff != "" {
			t.Errorf("%s: body (-want +got):\n%s", name, diff)
		}
	}
	if entries := b.sim.Ledger(); len(entries) != 0 {
		t.Errorf("dry runs started %d jobs", len(entries))
	}
}

func TestPricesWithoutQualityGate(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{})
	one, other := b.upload("one.png", pngOf(8, 8)), b.upload("other.png", pngOf(9, 9))
	for body, want := range map[string]float64{
		`{"prompt":"a"}`: 11,
		`{"prompt":"a","width":512,"height":512}`:                          11,
		`{"prompt":"a","width":2048,"height":2048}`:                        44,
		`{"prompt":"a","quality":"high","numOutputs":3}`:                   66,
		`{"prompt":"a","referenceImages":["` + one + `"]}`:                 12,
		`{"prompt":"a","referenceImages":["` + one + `","` + other + `"]}`: 13,
	} {
		got := b.must("POST", "/v1/generate/custom/model_openai-gpt-image-2?dryRun=true", body)
		if got.body["creativeUnitsCost"] != want {
			t.Errorf("%s costs %v, want %v", body, got.body["creativeUnitsCost"], want)
		}
	}
}

func TestRequestsThatAreNoObject(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{})
	for _, body := range []string{"", "[]", "null", "{"} {
		if got := b.must("POST", fluxPath, body); got.status != http.StatusBadRequest {
			t.Errorf("%q was answered with %d", body, got.status)
		}
	}
}
