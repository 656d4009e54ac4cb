package pool

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/provider"
	"nightshift/internal/simulator"
)

// EnvironmentKey is the id of the API key that the environment names.
const EnvironmentKey = "environment"

// API is the image API that a batch runs on, as its API keys open it.
type API struct {
	Keys     *Keyring
	BuiltIn  bool
	FromFile bool // the keys are those of a keys file
	Requests *RequestCounts
}

// Connect chooses API and keys by the batch's mode and pool: those of the keys file;
// without one, live batches go to the real API or to SCENARIO_API_URL, and test
// batches to SCENARIO_API_URL or the built-in simulator.
func Connect(p app.Process, s config.Settings, mode job.Mode, pool string) (*API, error) {
	a := &API{Requests: &RequestCounts{by: make(map[string]int64)}}
	rules, keys, err := a.keysFor(s, p.Environ, mode, pool)
	if err == nil {
		err = checkMode(keys, mode)
	}
	if err != nil {
		return nil, &job.InputError{Err: err}
	}
	transport := p.Transport
	if a.BuiltIn {
		if transport = p.Simulator; transport == nil {
			if transport, err = BuiltInSimulator(); err != nil {
				return nil, err
			}
		}
	}
	links, err := s.Links()
	if err != nil {
		return nil, err
	}
	a.Keys, err = NewKeyring(func(key config.APIKey) (provider.Account, error) {
		return app.OpenProvider(key, app.ProviderOptions{Transport: transport, Observe: a.Requests.count, Links: links})
	}, rules, keys)
	if err != nil {
		return nil, &job.InputError{Err: err}
	}
	return a, nil
}

// keysFor are the keys of a batch and the limits around them.
func (a *API) keysFor(s config.Settings, environ []string, mode job.Mode, pool string) (*config.Keys, []config.APIKey, error) {
	if s.KeysFile != "" {
		rules, err := config.ReadKeys(s.KeysFile, environ)
		if err != nil {
			return nil, nil, err
		}
		keys, err := rules.Pool(pool, mode)
		if err == nil {
			a.FromFile = true
			return rules, keys, nil
		}
		if mode == job.Live || pool != "" {
			return nil, nil, err
		}
		if err := notLive(s, rules); err != nil {
			return nil, nil, err
		}
	} else if pool != "" && pool != job.DefaultPool {
		return nil, nil, &job.HintedError{
			Err:  fmt.Errorf("the manifest wants the pool %q of API keys, and there is no keys file", pool),
			Hint: "name one in NIGHTSHIFT_KEYS, or leave out pool",
		}
	}
	key, err := a.single(s, mode)
	if err != nil {
		return nil, nil, err
	}
	if key.Limits.CU.Total, err = s.KeyCap(); err != nil {
		return nil, nil, err
	}
	return &config.Keys{Teams: map[string]config.Limits{"": {Parallel: s.Parallel}}}, []config.APIKey{key}, nil
}

// single is the one key of the environment, or that of the built-in simulator.
func (a *API) single(s config.Settings, mode job.Mode) (config.APIKey, error) {
	key := config.APIKey{
		ID: EnvironmentKey, Mode: mode, Provider: config.ProviderScenario, URL: s.URL, Auth: config.AuthBasic, Key: s.Key, Secret: s.Secret, Project: s.Project,
	}
	switch {
	case mode == job.Test && s.URL == "":
		key.URL, key.Key, key.Secret, key.Project = "http://"+batch.SimulatorHost+"/v1", SimulatorWord, SimulatorWord, ""
		a.BuiltIn = true
	case s.Key == "":
		return key, fmt.Errorf("%s: not set; a batch of mode %s needs the key and, in %s, its secret%s",
			config.KeyVariable, mode, config.SecretVariable, keyHint(mode))
	case s.Secret == "":
		return key, fmt.Errorf("%s: not set; it is the secret of the key in %s", config.SecretVariable, config.KeyVariable)
	case mode == job.Live && s.URL == "":
		key.URL = config.LiveURL
	}
	return key, nil
}

func keyHint(mode job.Mode) string {
	if mode == job.Live {
		return "; to try the manifest without one, set mode: test"
	}
	return "; the simulator knows sim with the secret sim"
}

// BuiltInSimulator is a simulator of the API inside this process, reached without a network.
func BuiltInSimulator() (http.RoundTripper, error) {
	sim, err := simulator.New(simulator.Options{})
	if err != nil {
		return nil, fmt.Errorf("start built-in simulator: %w", err)
	}
	return simulator.Transport(sim), nil
}

// Hosts are the APIs of the keys, for people and to tell worlds apart.
func (a *API) Hosts() []string {
	var hosts []string
	for _, key := range a.Keys.Usable(nil) {
		hosts = append(hosts, HostOf(key.URL))
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// RequestCounts counts the requests that are sent, for the report.
type RequestCounts struct {
	mu   sync.Mutex
	also func(operation string) // called with each request; may be nil
	by   map[string]int64
}

func (c *RequestCounts) count(op string) {
	c.mu.Lock()
	c.by[op]++
	also := c.also
	c.mu.Unlock()
	if also != nil {
		also(op)
	}
}

// Tell calls also with each request from now on.
func (c *RequestCounts) Tell(also func(operation string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.also = also
}

// Snapshot is how many requests were sent, in all and by operation.
func (c *RequestCounts) Snapshot() (total int64, by map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.by {
		total += n
	}
	return total, maps.Clone(c.by)
}
