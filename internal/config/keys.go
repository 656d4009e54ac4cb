package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"nightshift/internal/job"
	"nightshift/internal/suggest"
)

// ProviderScenario is the provider of a key that names none.
const ProviderScenario = "scenario"

// Providers are the image APIs that a key can be for.
var Providers = []string{ProviderScenario}

// Auth is how an APIKey proves itself to the API.
type Auth string

// The ways to authenticate, both in the Authorization header.
const (
	AuthBasic   Auth = "basic"          // user name and password are key and secret
	AuthKeyOnly Auth = "basic-key-only" // the key with an empty password
)

// Keys are the API keys that a machine may use, and the limits around them, as a
// keys file gives them. They must not be changed: who holds them shares them.
type Keys struct {
	Pools map[string][]APIKey // never empty ones, in the file's order
	// What all keys of a project or team, and all keys that work on a batch, may
	// use together; by the project's or team's id and by the batch's name.
	Projects, Teams, Batches map[string]Limits
}

// APIKey is a credential with everything that is said about it.
type APIKey struct {
	ID            string // what it is called in logs and tables; unique in the file
	Mode          job.Mode
	Provider      string // one of Providers
	URL           string // the API with its version; never empty
	Auth          Auth
	Key, Secret   Secret // Secret is empty with AuthKeyOnly
	Project, Team string // "" where the file does not say
	Limits        Limits
}

// Pool returns the keys of that pool and mode in the file's order; "" is the
// default pool. It returns an error if there is no such pool, or if all of its keys
// are of the other mode, since a batch never mixes them.
func (k *Keys) Pool(name string, mode job.Mode) ([]APIKey, error) {
	if name == "" {
		name = job.DefaultPool
	}
	pool, known := k.Pools[name]
	if !known {
		return nil, fmt.Errorf("there is no pool %q of API keys; %s", name, k.poolHint(name))
	}
	var usable []APIKey
	other := job.Mode("")
	for _, key := range pool {
		if key.Mode == mode {
			usable = append(usable, key)
			continue
		}
		other = key.Mode
	}
	if len(usable) == 0 {
		return nil, fmt.Errorf("pool %q has only keys of mode %s, and a %s batch runs on %s keys alone; "+
			"name another pool in the manifest or add such a key to the keys file", name, other, mode, mode)
	}
	return usable, nil
}

// poolHint says which pools there are.
func (k *Keys) poolHint(name string) string {
	names := slices.Sorted(maps.Keys(k.Pools))
	hint := "the keys file has " + strings.Join(names, ", ")
	if near := suggest.Nearest(name, names); near != "" {
		hint = "did you mean " + near + "? " + hint
	}
	return hint
}

// equal reports whether both say the same, credentials included.
func (k *Keys) equal(other *Keys) bool {
	samePool := func(a, b []APIKey) bool { return slices.EqualFunc(a, b, APIKey.equal) }
	return maps.EqualFunc(k.Pools, other.Pools, samePool) &&
		maps.EqualFunc(k.Projects, other.Projects, Limits.equal) &&
		maps.EqualFunc(k.Teams, other.Teams, Limits.equal) &&
		maps.EqualFunc(k.Batches, other.Batches, Limits.equal)
}

func (a APIKey) equal(b APIKey) bool {
	same := a.Limits.equal(b.Limits)
	a.Limits, b.Limits = Limits{}, Limits{}
	return same && a == b
}
