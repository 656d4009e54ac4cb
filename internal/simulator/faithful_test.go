package simulator_test

import (
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/simulator"
)

// TestRequiredFieldsOfModels: every record, alone and in lists, has what the reference
// requires.
func TestRequiredFieldsOfModels(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Models: fstest.MapFS{"bare.json": {Data: []byte(`{"id": "model_bare", "type": "custom"}`)}}})
	required := []string{
		"id", "capabilities", "collectionIds", "createdAt", "custom", "exampleAssetIds", "privacy", "source", "status", "tags",
		"trainingImagesNumber", "type", "updatedAt",
	}
	var rows []any
	for _, privacy := range []string{"public", "private"} {
		rows = append(rows, b.get("/v1/models?privacy=" + privacy).body["models"].([]any)...)
	}
	for _, row := range rows {
		alone := b.get("/v1/models/" + at(row, "id").(string)).body["model"]
		for _, name := range required {
			if at(row, name) == nil || at(alone, name) == nil {
				t.Errorf("%v has no %s", at(row, "id"), name)
			}
		}
		if diff := cmp.Diff(at(row, "type") == "custom", at(row, "custom")); diff != "" {
			t.Errorf("%v: custom (-want +got):\n%s", at(row, "id"), diff)
		}
	}
	if len(rows) < 15 {
		t.Errorf("only %d models", len(rows))
	}
}

// TestFiltersOfModels: each leaves out what it should.
func TestFiltersOfModels(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Models: fstest.MapFS{
		"a.json": {Data: []byte(`{"id": "model_a", "type": "custom", "status": "training", "createdAt": "2026-03-01T00:00:00.000Z", "tags": ["x"]}`)},
		"b.json": {Data: []byte(`{"id": "model_b", "type": "flux.2-dev-lora", "createdAt": "2026-02-01T00:00:00.000Z", "tags": ["y"], "collectionIds": ["collection_1"]}`)},
	}})
	for query, want := range map[string][]any{
		"status=training":                                    {"model_a"},
		"types=custom":                                       {"model_a"},
		"type=flux.2-dev-lora&tags=y":                        {"model_b"},
		"tags=x,y":                                           {"model_a", "model_b"},
		"collectionId=collection_1":                          {"model_b"},
		"tags=x,y&sortBy=createdAt":                          {"model_a", "model_b"},
		"tags=x,y&sortBy=createdAt&sortDirection=asc":        {"model_b", "model_a"},
		"sortBy=createdAt&createdAfter=2026-02-01T00:00:00Z": {"model_a"}, // exclusive
		"sortBy=createdAt&createdAfter=2026-01-20T00:00:00Z&createdBefore=2026-03-01T00:00:00Z": {"model_b"},
		"sortBy=updatedAt&updatedAfter=2026-02-15T00:00:00Z":                                    {"model_a"},
		"status=failed": nil,
	} {
		var ids []any
		for _, row := range b.get("/v1/models?" + query).body["models"].([]any) {
			ids = append(ids, at(row, "id"))
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	for _, query := range []string{
		"createdAfter=2026-02-01T00:00:00Z", "sortBy=name", "sortDirection=up", "type=custom&types=custom", "sortBy=createdAt&createdBefore=soon",
	} {
		if got := b.get("/v1/models?" + query); got.status != 400 {
			t.Errorf("%s was answered with %d", query, got.status)
		}
	}
}

// TestFiltersOfAssets: by time, author, kind and place of origin.
func TestFiltersOfAssets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, simulator.Options{Latency: instant, Keys: []simulator.Key{{Key: "sim", Secret: "sim"}, {Key: "other", Secret: "s"}}})
		made := b.assets(b.generate("a"))[0]
		time.Sleep(time.Hour)
		middle := time.Now().UTC().Format(time.RFC3339)
		time.Sleep(time.Hour)
		uploaded := b.as("other:s").upload("a.png", pngOf(3, 3))
		for query, want := range map[string][]any{
			"":                                         {uploaded, made},
			"sortDirection=asc":                        {made, uploaded},
			"authorId=apiu_other":                      {uploaded},
			"modelId=model_bfl-flux-1-dev":             {made},
			"types=inference-txt2img":                  {made},
			"type=uploaded":                            {uploaded},
			"inferenceId=inf_1":                        nil,
			"collectionId=collection_1":                nil,
			"privacy=public":                           nil,
			"parentAssetId=" + made:                    nil,
			"sortBy=createdAt&createdAfter=" + middle:  {uploaded},
			"sortBy=createdAt&createdBefore=" + middle: {made},
			"sortBy=updatedAt&updatedBefore=" + middle: {made},
		} {
			var ids []any
			for _, row := range b.get("/v1/assets?" + query).body["assets"].([]any) {
				ids = append(ids, at(row, "id"))
			}
			if diff := cmp.Diff(want, ids); diff != "" {
				t.Errorf("%s (-want +got):\n%s", query, diff)
			}
		}
		for _, query := range []string{"createdBefore=" + middle, "sortBy=createdAt&updatedAfter=" + middle, "type=uploaded&types=uploaded"} {
			if got := b.get("/v1/assets?" + query); got.status != 400 {
				t.Errorf("%s was answered with %d", query, got.status)
			}
		}
	})
}

// TestFiltersOfJobsAndUsages: a workflow has no jobs here, and a key its own charges.
func TestFiltersOfJobsAndUsages(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant, Keys: []simulator.Key{{Key: "sim", Secret: "sim"}, {Key: "other", Secret: "s"}}})
	b.generate("a")
	b.as("other:s").generate("b")
	for path, want := range map[string]int{
		"/v1/jobs": 2, "/v1/jobs?workflowId=workflow_1": 0, "/v1/jobs?authorId=apiu_other": 1,
		"/v1/usages?type=activity": 2, "/v1/usages?userIds=apiu_other": 1, "/v1/usages?userIds=apiu_other,apiu_sim": 2, "/v1/usages?userIds=apiu_x": 0,
	} {
		body := b.get(path).body
		rows, isJobs := body["jobs"].([]any)
		if !isJobs {
			rows, _ = body["activity"].([]any)
		}
		if len(rows) != want {
			t.Errorf("%s shows %d, want %d", path, len(rows), want)
		}
	}
}

// TestOldRoutes: what they answer goes by the model.
func TestOldRoutes(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{})
	standalone := why("Standalone models are not supported for this endpoint")
	gone := why("SD 1.5 and SDXL inference is no longer available")
	for name, test := range map[string]struct {
		method, path, body string
		status             int
		want               map[string]any
	}{
		"custom":         {"POST", "/v1/generate/txt2img", `{"modelId":"model_bfl-flux-1-dev"}`, 400, standalone},
		"custom by path": {"POST", "/v1/models/model_bfl-flux-1-dev/inferences", `{"parameters":{}}`, 400, standalone},
		"custom read":    {"GET", "/v1/models/model_bfl-flux-1-dev/inferences/inf_1", "", 400, standalone},
		"LoRA of FLUX.2": {"POST", "/v1/models/model_sim-lora-gouache/inferences", `{}`, 500, map[string]any{"message": "Internal server error"}},
		"an SD model":    {"POST", "/v1/generate/txt2img", `{"modelId":"stable-diffusion-xl-base-1.0"}`, 410, gone},
		"list":           {"GET", "/v1/inferences", "", 410, gone},
	} {
		got := b.must(test.method, test.path, test.body)
		if diff := cmp.Diff([]any{test.status, test.want}, []any{got.status, got.body}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
