package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

// The models of the batches: one with seeds, and one without.
const (
	seeded   = "model_bfl-flux-1-dev"
	seedless = "model_chaos-sketch"
)

// sketchModel is a model without seeds that draws small images.
const sketchModel = `{"model": {"id": "model_chaos-sketch", "type": "custom", "status": "trained", "privacy": "public", "name": "Sketch",
"inputs": [{"name": "prompt", "type": "string", "prompt": true, "required": {"always": true}, "maxLength": 500}]},
"simulator": {"price": 3.5, "width": 128, "height": 128, "format": "png"}}`

// provider is the simulator in a process of its own.
type provider struct {
	url      string
	requests *requests // where they are counted
}

var listens = regexp.MustCompile(`http://[0-9.:]+`)

type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (w *world) startProvider() *provider {
	w.t.Helper()
	models := filepath.Join(w.dir, "models")
	if err := os.MkdirAll(models, 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(models, "sketch.json"), []byte(sketchModel), 0o600); err != nil {
		w.t.Fatal(err)
	}
	said := new(output)
	p := start(w.t, "simulator", w.dir, nil, []string{
		"-addr", "127.0.0.1:0", "-rpm", fmt.Sprint(w.limits.ofProvider()), "-parallel", fmt.Sprint(w.limits.parallel), "-latency", "1s..5s", "-seed", "1", "-models", models,
	}, said)
	limit := time.Now().Add(time.Minute)
	for {
		if url := listens.FindString(said.String()); url != "" {
			return &provider{url: url}
		}
		if p.over() || time.Now().After(limit) {
			w.t.Fatalf("the simulator does not listen: %s", said)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// usual are the faults that never cease: the list of jobs lags.
var usual = []simulator.Fault{{Kind: simulator.FaultListLag, Rate: 0.3, Seconds: listLag.Seconds(), Seed: 7}}

// set replaces the faults, beside the usual ones.
func (p *provider) set(faults ...simulator.Fault) error {
	body, err := json.Marshal(map[string]any{"faults": append(append([]simulator.Fault{}, usual...), faults...)})
	if err != nil {
		return err
	}
	_, err = call(http.MethodPost, p.url+"/_sim/faults", body)
	return err
}

// ledger is what was accepted, in its order.
func (p *provider) ledger() ([]simulator.Entry, error) {
	data, err := call(http.MethodGet, p.url+"/_sim/ledger", nil)
	if err != nil {
		return nil, err
	}
	var book struct{ Entries []simulator.Entry }
	if err := json.Unmarshal(data, &book); err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	return book.Entries, nil
}

// price asks what one image of a model costs.
func (p *provider) price(model, inputs string) (job.CU, error) {
	request, err := http.NewRequest(http.MethodPost, p.url+"/v1/generate/custom/"+model+"?dryRun=true", bytes.NewReader([]byte(inputs)))
	if err != nil {
		return 0, err
	}
	request.SetBasicAuth("sim", "sim")
	data, err := send(request)
	if err != nil {
		return 0, err
	}
	var reply struct {
		Cost json.Number `json:"creativeUnitsCost"`
	}
	if err := json.Unmarshal(data, &reply); err != nil {
		return 0, err
	}
	return job.ParseCU(reply.Cost.String())
}

func call(method, url string, body []byte) ([]byte, error) {
	request, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return send(request)
}

func send(request *http.Request) ([]byte, error) {
	client := &http.Client{Timeout: 30 * time.Second}
	reply, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	data, err := io.ReadAll(reply.Body)
	if err == nil && reply.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", request.Method, request.URL, reply.Status, data)
	}
	return data, err
}
