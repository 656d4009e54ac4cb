package simulator_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

func TestParseKeys(t *testing.T) {
	t.Parallel()
	keys, err := simulator.ParseKeys([]byte(`
- key: night
  secret: s1
  team: team_a
  project: proj_a
  mode: live
  plan: cu-basic
  scopes: [jobs.read, jobs.write]
  cuCap: 12.5
  teamAllowance: 500
- {key: day, secret: s2, id: apiu_DAY}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []simulator.Key{
		{
			Key: "night", Secret: "s1", ID: "apiu_night", Team: "team_a", Project: "proj_a", Mode: job.Live, Plan: "cu-basic",
			Scopes: []string{"jobs.read", "jobs.write"}, CUCap: 12500, TeamAllowance: 500000,
		},
		{Key: "day", Secret: "s2", ID: "apiu_DAY", Team: "team_sim", Project: "proj_sim", Mode: job.Test, Plan: "cu-enterprise"},
	}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	for text, complaint := range map[string]string{
		`[]`:                        "the list is empty",
		`[{key: a, colour: red}]`:   `unknown field "colour"`,
		`[{secret: a}]`:             "field key must be",
		`[{key: "a:b"}]`:            "without a colon",
		`[{key: a, mode: paper}]`:   `mode "paper": want test or live`,
		`[{key: a, plan: gold}]`:    `plan "gold": want one of free, `,
		`[{key: a, scopes: [fly]}]`: `scope "fly": want some of models.read, `,
		`[{key: a}, {key: a}]`:      "another key has this name",
		`[{key: a, cuCap: -1}]`:     "not an amount of CU",
		"[{key: a,":                 "read keys",
		`[{key: a, teamAllowance: 5}, {key: b, teamAllowance: 6}]`: "keys of a team must agree",
	} {
		if _, err := simulator.ParseKeys([]byte(text)); err == nil || !strings.Contains(err.Error(), complaint) {
			t.Errorf("%s: %v, want %q", text, err, complaint)
		}
	}
}

func TestParseLatency(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"8s": "8s", "2s..6s": "2s..6s", "0s": "0s", "3s..3s": "3s"} {
		got, err := simulator.ParseLatency(text)
		if err != nil || got.String() != want {
			t.Errorf("%s was read as %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "fast", "6s..2s", "-1s", "1s..", "..1s"} {
		if _, err := simulator.ParseLatency(text); err == nil {
			t.Errorf("latency %q was taken", text)
		}
	}
}

// TestOwnModels: records are taken wrapped and bare, and one with a built-in id
// replaces it.
func TestOwnModels(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant, Models: fstest.MapFS{
		"deep/wrapped.json": {Data: []byte(`{"model":{"id":"model_w","type":"custom","privacy":"private","inputs":[{"name":"prompt","type":"string","prompt":true}]},
			"simulator":{"price":2,"qualityGate":0.25,"format":"jpeg","width":80,"height":60}}`)},
		"bare.json":    {Data: []byte(`{"id":"model_b","type":"custom","privacy":"private","inputs":[]}`)},
		"lora.json":    {Data: []byte(`{"id":"model_l","type":"flux.1-lora","privacy":"private"}`)},
		"replace.json": {Data: []byte(`{"id":"model_bfl-flux-1-dev","type":"custom","name":"Mine","inputs":[]}`)},
		"notes.txt":    {Data: []byte("not a model")},
	}})
	for path, want := range map[string]float64{"model_w": 2.25, "model_b": 5, "model_bfl-flux-1-dev": 5} {
		got := b.must("POST", "/v1/generate/custom/"+path+"?dryRun=true", `{}`)
		if got.body["creativeUnitsCost"] != want {
			t.Errorf("%s costs %v, want %v", path, got.body["creativeUnitsCost"], want)
		}
	}
	got := b.must("POST", "/v1/generate/custom/model_w", `{"prompt":"a"}`)
	asset := b.asset(b.assets(at(got.body, "job", "jobId").(string))[0])
	if asset["mimeType"] != "image/jpeg" || at(asset, "properties", "width") != 80.0 {
		t.Errorf("asset %v", asset)
	}
	if record := b.get("/v1/models/model_bfl-flux-1-dev").body; at(record, "model", "name") != "Mine" {
		t.Errorf("the built-in record was not replaced: %v", record)
	}
	for data, complaint := range map[string]string{
		`{"type":"custom"}`: "has no id", `{"id":"a"}`: "has no type", `{`: "read model record",
		`{"model":{"id":"a","type":"custom"},"simulator":{"format":"gif"}}`: `format "gif"`,
		`{"model":{"id":"a","type":"custom"},"simulator":{"price":-1}}`:     "not an amount of CU",
		`{"model":{"id":"a","type":"custom"},"simulator":{"width":-1}}`:     "must be positive",
		`{"model":{"id":"a","type":"custom"},"simulator":{"colour":"red"}}`: `unknown field "colour"`,
	} {
		_, err := simulator.New(simulator.Options{Models: fstest.MapFS{"x/bad.json": {Data: []byte(data)}}})
		if err == nil || !strings.Contains(err.Error(), complaint) || !strings.Contains(err.Error(), "x/bad.json") {
			t.Errorf("%s: %v, want the file and %q", data, err, complaint)
		}
	}
}

func TestModelRoutes(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{})
	record := b.get("/v1/models/model_bfl-flux-1-dev").body["model"].(map[string]any)
	if inputs := record["inputs"].([]any); len(inputs) != 17 || record["simulator"] != nil {
		t.Errorf("record has %d inputs, simulator block %v", len(inputs), record["simulator"])
	}
	if got := b.get("/v1/models/model_none"); got.status != 404 {
		t.Errorf("an unknown model was answered with %d", got.status)
	}
	names := func(query string) (ids []any, token any) {
		got := b.get("/v1/models?" + query)
		for _, row := range got.body["models"].([]any) {
			ids = append(ids, at(row, "id"))
			if at(row, "inputs") != nil {
				t.Errorf("a row of the list has inputs: %v", row)
			}
		}
		return ids, got.body["nextPaginationToken"]
	}
	private, _ := names("")
	if diff := cmp.Diff([]any{"model_sim-lora-gouache", "model_sim-lora-inkwash"}, private); diff != "" {
		t.Errorf("private models (-want +got):\n%s", diff)
	}
	loras, _ := names("privacy=public&type=flux.1-lora")
	if diff := cmp.Diff([]any{"model_YQrES2iPys22nYwh3YhVfMh8"}, loras); diff != "" {
		t.Errorf("public LoRAs (-want +got):\n%s", diff)
	}
	first, token := names("privacy=public&pageSize=5")
	if token != "eyJvZmZzZXQiOjUsImxpbWl0Ijo1fQ==" || len(first) != 5 {
		t.Errorf("first page %v with token %v", first, token)
	}
	if second, _ := names("privacy=public&pageSize=5&paginationToken=eyJvZmZzZXQiOjUsImxpbWl0Ijo1fQ=="); len(second) == 0 || second[0] == first[0] {
		t.Errorf("second page %v", second)
	}
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]simulator.Options{
		"parallel": {Parallel: -2}, "requests per minute": {RequestsPerMinute: -5}, "long prompt": {LongPrompt: -3},
		"link lifetime": {LinkLifetime: -time.Second}, "usage lag": {UsageLag: -1}, "public URL": {PublicURL: "cdn.test"}, "key 1": {Keys: []simulator.Key{{}}},
	} {
		if _, err := simulator.New(options); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
