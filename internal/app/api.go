package app

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/scenario"
	"nightshift/internal/simulator"
)

// api is the image API that a batch runs on.
type api struct {
	client *scenario.Client
	// name is "simulator" for the built-in one, otherwise the host.
	name     string
	builtIn  bool
	requests *requestCounts
}

// connect chooses the API by the batch's mode: live batches go to the real one or
// to SCENARIO_API_URL, test batches to SCENARIO_API_URL or the built-in simulator.
func connect(s config.Settings, mode job.Mode) (*api, error) {
	a := &api{requests: &requestCounts{by: make(map[scenario.Operation]int64)}}
	options := scenario.Options{
		BaseURL: s.URL, Key: s.Key.Reveal(), Secret: s.Secret.Reveal(), Project: s.Project, Observe: a.requests.count,
	}
	switch {
	case mode == job.Test && s.URL == "":
		transport, err := builtInSimulator()
		if err != nil {
			return nil, err
		}
		options.BaseURL, options.Key, options.Secret, options.Project = "http://simulator/v1", "sim", "sim", ""
		options.Transport, a.builtIn = transport, true
	case s.Key == "":
		return nil, &inputError{fmt.Errorf("%s: not set; a batch of mode %s needs the key and, in %s, its secret%s",
			config.KeyVariable, mode, config.SecretVariable, keyHint(mode))}
	case s.Secret == "":
		return nil, &inputError{fmt.Errorf("%s: not set; it is the secret of the key in %s", config.SecretVariable, config.KeyVariable)}
	case mode == job.Live && s.URL == "":
		options.BaseURL = config.LiveURL
	}
	client, err := scenario.New(options)
	if err != nil {
		return nil, &inputError{err}
	}
	base, err := url.Parse(options.BaseURL)
	if err != nil {
		return nil, &inputError{fmt.Errorf("%s: not an address", config.URLVariable)}
	}
	a.client, a.name = client, base.Host
	return a, nil
}

func keyHint(mode job.Mode) string {
	if mode == job.Live {
		return "; to try the manifest without one, set mode: test"
	}
	return "; the simulator knows sim with the secret sim"
}

func builtInSimulator() (http.RoundTripper, error) {
	sim, err := simulator.New(simulator.Options{})
	if err != nil {
		return nil, fmt.Errorf("start built-in simulator: %w", err)
	}
	return simulator.Transport(sim), nil
}

// requestCounts counts the requests that are sent, for the report.
type requestCounts struct {
	mu sync.Mutex
	by map[scenario.Operation]int64
}

func (c *requestCounts) count(op scenario.Operation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by[op]++
}

func (c *requestCounts) snapshot() (total int64, by map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	by = make(map[string]int64, len(c.by))
	for op, n := range c.by {
		by[string(op)] = n
		total += n
	}
	return total, by
}
