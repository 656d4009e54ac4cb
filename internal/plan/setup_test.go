package plan_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"nightshift/internal/document"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/plan"
	"nightshift/internal/provider/scenario"
	"nightshift/internal/simulator"
)

// catalog is the real client on the simulator, which validates and prices as the
// API does; it counts the calls and answers with fail's errors first.
type catalog struct {
	plan.Catalog
	fail func(call, model string) error // may be nil
	// assets are the ids of assets on the simulator, by what manifests here call them.
	assets map[string]string

	mu      sync.Mutex
	models  map[string]int // look-ups, by model
	dryRuns []job.Inputs
}

func (c *catalog) Model(ctx context.Context, id string) (*job.Model, error) {
	c.mu.Lock()
	c.models[id]++
	c.mu.Unlock()
	if err := c.failure("model", id); err != nil {
		return nil, err
	}
	return c.Catalog.Model(ctx, id)
}

func (c *catalog) Quote(ctx context.Context, r job.Request) (job.Quote, error) {
	c.mu.Lock()
	c.dryRuns = append(c.dryRuns, r.Inputs)
	c.mu.Unlock()
	if err := c.failure("dry run", r.Model); err != nil {
		return job.Quote{}, err
	}
	r.Inputs = maps.Clone(r.Inputs)
	for name, value := range r.Inputs {
		r.Inputs[name] = c.withAssets(value)
	}
	return c.Catalog.Quote(ctx, r)
}

// withAssets puts the ids of assets in the place of their names.
func (c *catalog) withAssets(value any) any {
	switch value := value.(type) {
	case string:
		return cmp.Or(c.assets[value], value)
	case []any:
		list := slices.Clone(value)
		for i := range list {
			list[i] = c.withAssets(list[i])
		}
		return list
	default:
		return value
	}
}

// dotPNG is an image of one pixel.
const dotPNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// newAssets uploads what manifests of tests call asset_1, asset_2 and 123.
func newAssets(tb testing.TB, sim *simulator.Simulator) map[string]string {
	tb.Helper()
	assets := make(map[string]string)
	for _, name := range []string{"asset_1", "asset_2", "123"} {
		body := strings.NewReader(`{"name": "dot.png", "image": "` + dotPNG + `"}`)
		request := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "http://sim/v1/assets", body)
		request.SetBasicAuth("planner", "s")
		recorder := httptest.NewRecorder()
		sim.ServeHTTP(recorder, request)
		var answer struct{ Asset struct{ ID string } }
		if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil || answer.Asset.ID == "" {
			tb.Fatalf("upload: %s, %v", recorder.Body, err)
		}
		assets[name] = answer.Asset.ID
	}
	return assets
}

func (c *catalog) Recent(ctx context.Context) ([]job.Inference, error) {
	if err := c.failure("inferences", ""); err != nil {
		return nil, err
	}
	return c.Catalog.Recent(ctx)
}

func (c *catalog) failure(call, model string) error {
	if c.fail == nil {
		return nil
	}
	return c.fail(call, model)
}

// newCatalog returns a client whose key has the lowest plan, on a simulator that
// also knows the models in testdata.
func newCatalog(tb testing.TB) *catalog {
	tb.Helper()
	sim, err := simulator.New(simulator.Options{
		Models:            os.DirFS("testdata/models"),
		Keys:              []simulator.Key{{Key: "planner", Secret: "s", Plan: simulator.Plans()[0]}},
		RequestsPerMinute: simulator.Unlimited,
		Parallel:          simulator.Unlimited,
		Seed:              1,
	})
	if err != nil {
		tb.Fatal(err)
	}
	client, err := scenario.New(scenario.Options{
		BaseURL: "http://sim/v1", Key: "planner", Secret: "s", Transport: simulator.Transport(sim),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.Close)
	return &catalog{Catalog: client, models: map[string]int{}, assets: newAssets(tb, sim)}
}

// open writes a manifest into a file of this name and opens it.
func open(tb testing.TB, name, text string) *manifest.Manifest {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	m, err := manifest.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// planOptions are those of a JSONL manifest on a catalog of its own.
func planOptions(tb testing.TB, text string) plan.Options {
	tb.Helper()
	return plan.Options{Manifest: open(tb, "m.jsonl", text), Catalog: newCatalog(tb)}
}

// mustMake plans a manifest that is expected to be sound.
func mustMake(tb testing.TB, o plan.Options) *plan.Plan {
	tb.Helper()
	p, err := plan.Make(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := p.Close(); err != nil {
			tb.Error(err)
		}
	})
	return p
}

// all lists a plan's jobs.
func all(tb testing.TB, p *plan.Plan) []plan.PlannedJob {
	tb.Helper()
	return decoded(tb, p.Lines())
}

// decoded are the jobs of a written plan.
func decoded(tb testing.TB, lines io.Reader) []plan.PlannedJob {
	tb.Helper()
	var jobs []plan.PlannedJob
	for decoder := json.NewDecoder(lines); ; {
		var planned plan.PlannedJob
		if err := decoder.Decode(&planned); errors.Is(err, io.EOF) {
			return jobs
		} else if err != nil {
			tb.Fatal(err)
		}
		jobs = append(jobs, planned)
	}
}

// complaints plans a manifest that is expected to have problems, and returns them
// one a line, without the folder of the file.
func complaints(tb testing.TB, m *manifest.Manifest, c *catalog) string {
	tb.Helper()
	_, err := plan.Make(tb.Context(), plan.Options{Manifest: m, Catalog: c})
	problems, ok := errors.AsType[*document.Problems](err)
	if !ok {
		tb.Fatalf("error %v, want problems", err)
	}
	return strings.ReplaceAll(problems.Error(), filepath.Dir(m.Path)+string(filepath.Separator), "")
}
