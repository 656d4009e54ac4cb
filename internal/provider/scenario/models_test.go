package scenario

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
)

func TestModel(t *testing.T) {
	t.Parallel()
	var uri string
	client := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		uri = r.Method + " " + r.RequestURI
		answer(200, `{"model": {
			"id": "model_bfl-flux-1-dev", "name": "FLUX.1 Dev", "type": "custom", "status": "trained",
			"accessRestrictions": 0, "tags": ["Flux", "sc:third-party"], "uiConfig": {"x": 1},
			"inputs": [
				{"name": "prompt", "type": "string", "prompt": true, "maxLength": 2048, "costImpact": false,
					"required": {"always": true}, "hint": "what to draw"},
				{"name": "numOutputs", "type": "number", "min": 1, "max": 4.0, "step": 1, "default": 1, "costImpact": true},
				{"name": "size", "type": "number", "allowedValues": [1.0, 2, 0.50], "kind": "image",
					"required": {"when": {"inferenceType": ["img2img", 1e2]}}},
				{"name": "image", "type": "file", "required": {"ifDefined": {"mask": {"message": "needed"}}}}
			]}}`)(w, r)
	}).URL)
	got, err := client.Model(t.Context(), "model_bfl-flux-1-dev")
	if err != nil {
		t.Fatal(err)
	}
	length := 2048
	want := &job.Model{
		ID: "model_bfl-flux-1-dev", Name: "FLUX.1 Dev", Type: "custom", Status: "trained",
		Tags: []string{"Flux", "sc:third-party"},
		Inputs: []job.Input{
			{Name: "prompt", Type: job.TypeString, Prompt: true, MaxLength: &length, Required: &job.Required{Always: true}},
			{
				Name: "numOutputs", Type: job.TypeNumber, Min: "1", Max: "4.0", Step: "1",
				Default: json.RawMessage("1"), CostImpact: true,
			},
			{
				Name: "size", Type: job.TypeNumber, Kind: "image",
				AllowedValues: []any{json.Number("1"), json.Number("2"), json.Number("0.5")},
				Required:      &job.Required{When: map[string][]any{"inferenceType": {"img2img", json.Number("100")}}},
			},
			{
				Name: "image", Type: job.TypeFile,
				Required: &job.Required{IfDefined: map[string]json.RawMessage{"mask": json.RawMessage(`{"message":"needed"}`)}},
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := "GET /v1/models/model_bfl-flux-1-dev"; uri != want {
		t.Errorf("asked %s, want %s", uri, want)
	}
}

// A keyword that the provider writes in a new way costs that check, not the model.
func TestModelWithKeywordsOfAnotherShape(t *testing.T) {
	t.Parallel()
	client := newClient(t, serve(t, answer(200, `{"model": {"id": "m", "name": 3, "tags": "none", "inputs": [
		{"name": "prompt", "type": "string", "required": true, "maxLength": "long", "min": {}, "costImpact": true}]}}`)).URL)
	got, err := client.Model(t.Context(), "m")
	if err != nil {
		t.Fatal(err)
	}
	want := &job.Model{ID: "m", Inputs: []job.Input{{Name: "prompt", Type: job.TypeString, CostImpact: true}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestModelWithoutInputs(t *testing.T) {
	t.Parallel()
	client := newClient(t, serve(t, answer(200, `{"model": {"id": "model_lora", "type": "flux.1-lora", "status": "trained"}}`)).URL)
	got, err := client.Model(t.Context(), "model_lora")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&job.Model{ID: "model_lora", Type: "flux.1-lora", Status: "trained"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
