package simulator_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"nightshift/internal/simulator"
)

// instant ends jobs at once.
var instant = simulator.Between(0, 0)

// bench is a simulator and a client of it.
type bench struct {
	t      testing.TB
	sim    *simulator.Simulator
	client *http.Client
	key    string
}

func setup(t *testing.T, options simulator.Options) *bench {
	t.Helper()
	sim, err := simulator.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return newBench(t, sim)
}

func newBench(t testing.TB, sim *simulator.Simulator) *bench {
	return &bench{t, sim, &http.Client{Transport: simulator.Transport(sim)}, "sim:sim"}
}

// as is the same bench with another key, "name:secret".
func (b *bench) as(key string) *bench {
	other := *b
	other.key = key
	return &other
}

// reply is an answer of the API.
type reply struct {
	status int
	body   map[string]any
}

// send makes one API call; it returns an error where no answer comes.
func (b *bench) send(method, path, body string) (reply, error) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, "http://sim.test"+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	name, secret, _ := strings.Cut(b.key, ":")
	request.SetBasicAuth(name, secret)
	response, err := b.client.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	got := reply{status: response.StatusCode}
	if err := json.NewDecoder(response.Body).Decode(&got.body); err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	return got, nil
}

func (b *bench) must(method, path, body string) reply {
	b.t.Helper()
	got, err := b.send(method, path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

func (b *bench) get(path string) reply { b.t.Helper(); return b.must("GET", path, "") }

const fluxPath = "/v1/generate/custom/model_bfl-flux-1-dev"

// generate starts a small job of FLUX.1 and returns its id.
func (b *bench) generate(prompt string) string {
	b.t.Helper()
	got := b.must("POST", fluxPath, encode(map[string]any{"prompt": prompt, "width": 128, "height": 128}))
	if got.status != http.StatusOK {
		b.t.Fatalf("generate answered %d %v", got.status, got.body)
	}
	return got.body["job"].(map[string]any)["jobId"].(string)
}

func (b *bench) job(id string) map[string]any {
	b.t.Helper()
	return b.get("/v1/jobs/" + id).body["job"].(map[string]any)
}

// assets returns the asset ids of a finished job.
func (b *bench) assets(id string) []string {
	b.t.Helper()
	var ids []string
	for _, asset := range at(b.job(id), "metadata", "assetIds").([]any) {
		ids = append(ids, asset.(string))
	}
	return ids
}

func (b *bench) asset(id string) map[string]any {
	b.t.Helper()
	return b.get("/v1/assets/" + id + "?originalAssets=true").body["asset"].(map[string]any)
}

// download follows a link and returns what it gives.
func (b *bench) download(link string) (status int, kind string, data []byte, err error) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), "GET", link, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	response, err := b.client.Do(request)
	if err != nil {
		return 0, "", nil, err
	}
	defer response.Body.Close()
	data, err = io.ReadAll(response.Body)
	return response.StatusCode, response.Header.Get("Content-Type"), data, err
}

func (b *bench) faults(faults ...simulator.Fault) {
	b.t.Helper()
	if err := b.sim.SetFaults(faults...); err != nil {
		b.t.Fatal(err)
	}
}

// at walks into nested objects.
func at(value any, path ...string) any {
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

func encode(value any) string {
	var buffer bytes.Buffer
	if err := json.NewEncoder(&buffer).Encode(value); err != nil {
		panic(err) // only values written in tests
	}
	return buffer.String()
}

// fixed makes every job take this long.
func fixed(latency time.Duration) simulator.Latency { return simulator.Between(latency, latency) }
