package simulator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"nightshift/internal/job"
)

// Key is an API key that the simulator knows.
type Key struct {
	// Key and Secret are user name and password of the Basic authentication.
	// The secret may be empty, as with APIs that take the key alone.
	Key    string `json:"key"`
	Secret string `json:"secret"`
	// ID is the authorId of the key's jobs; empty means "apiu_" and the key.
	// Scenario API: a key's id starts with apiu_.
	ID string `json:"id"`
	// Team and Project are what the ceiling on running jobs and the request rate
	// are counted by; empty means team_sim and proj_sim.
	Team    string `json:"team"`
	Project string `json:"project"`
	// Mode keeps two worlds apart: a test key does not see jobs of live keys.
	// Empty means test.
	Mode job.Mode `json:"mode"`
	// Scopes are what the key may do, from [Scopes]; none means all.
	Scopes []string `json:"scopes"`
	// Plan is one of [Plans]; empty means the highest.
	Plan string `json:"plan"`
	// CUCap is how much the key may spend, TeamAllowance how much all keys of its
	// team together; 0 means no limit. Keys of one team must agree.
	CUCap         job.CU `json:"cuCap"`
	TeamAllowance job.CU `json:"teamAllowance"`
}

// The scopes. The real API's are not public; these are the simulator's own.
const (
	scopeModels   = "models.read"
	scopeGenerate = "jobs.write"
	scopeJobs     = "jobs.read"
	scopeAssets   = "assets.read"
	scopeUsages   = "usages.read"

	// Scenario API: these two are its own. Each holds what comes before it.
	scopeWriteAssets  = "assets.write"
	scopeDeleteAssets = "assets.delete"
)

// wider are the scopes that hold another.
var wider = map[string][]string{
	scopeAssets:      {scopeWriteAssets, scopeDeleteAssets},
	scopeWriteAssets: {scopeDeleteAssets},
}

// Scopes returns everything that a [Key] can be allowed to do.
func Scopes() []string {
	return []string{scopeModels, scopeJobs, scopeGenerate, scopeAssets, scopeWriteAssets, scopeDeleteAssets, scopeUsages}
}

// plans by what they allow. Scenario API: a model's accessRestrictions is the
// level of the plan it needs: 0 free, 25 basic, 50 pro, 75 team, 100 enterprise.
var plans = []struct {
	level int
	name  string
}{{0, "free"}, {25, "cu-basic"}, {50, "cu-pro"}, {75, "cu-team"}, {100, "cu-enterprise"}}

// Plans returns the names of the plans, lowest first.
func Plans() []string {
	names := make([]string, len(plans))
	for i, plan := range plans {
		names[i] = plan.name
	}
	return names
}

// planFor names the lowest plan that allows a model of this level.
func planFor(level int) string {
	for _, plan := range plans {
		if plan.level >= level {
			return plan.name
		}
	}
	return plans[len(plans)-1].name
}

func (k *Key) level() int { return plans[slices.Index(Plans(), k.Plan)].level }

func (k *Key) may(scope string) bool {
	return scope == "" || len(k.Scopes) == 0 || slices.ContainsFunc(k.Scopes, func(has string) bool {
		return has == scope || slices.Contains(wider[scope], has)
	})
}

func (k *Key) tenant() tenant { return tenant{k.Project, k.Mode} }

// ParseKeys reads a list of keys in YAML or JSON. Unknown fields are refused.
func ParseKeys(data []byte) ([]Key, error) {
	var written any
	err := yaml.Unmarshal(data, &written)
	var encoded []byte
	if err == nil {
		encoded, err = json.Marshal(written)
	}
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	var keys []Key
	if err := decodeStrictly(bytes.NewReader(encoded), &keys); err != nil {
		return nil, fmt.Errorf("read keys (want a list of keys): %w", err)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("read keys: the list is empty")
	}
	return filledKeys(keys)
}

// filledKeys returns the keys with their defaults, or what is wrong with one.
func filledKeys(keys []Key) ([]Key, error) {
	filled := slices.Clone(keys)
	names := map[string]bool{}
	ids := map[string]bool{}
	allowances := map[string]job.CU{}
	for i := range filled {
		key := &filled[i]
		if err := key.fill(); err != nil {
			return nil, fmt.Errorf("key %d %q: %w", i+1, key.Key, err)
		}
		if names[key.Key] || ids[key.ID] {
			return nil, fmt.Errorf("key %d %q: another key has this name or id", i+1, key.Key)
		}
		names[key.Key], ids[key.ID] = true, true
		if other, known := allowances[key.Team]; known && other != key.TeamAllowance {
			return nil, fmt.Errorf("key %d %q: teamAllowance of team %q is %s here and %s before: keys of a team must agree",
				i+1, key.Key, key.Team, key.TeamAllowance, other)
		}
		allowances[key.Team] = key.TeamAllowance
	}
	return filled, nil
}

func (k *Key) fill() error {
	if k.Key == "" || strings.Contains(k.Key, ":") {
		return fmt.Errorf("field key must be a text without a colon")
	}
	k.ID, k.Team, k.Project = cmp.Or(k.ID, "apiu_"+k.Key), cmp.Or(k.Team, "team_sim"), cmp.Or(k.Project, "proj_sim")
	k.Mode, k.Plan = cmp.Or(k.Mode, job.Test), cmp.Or(k.Plan, plans[len(plans)-1].name)
	if k.Mode != job.Test && k.Mode != job.Live {
		return fmt.Errorf("mode %q: want test or live", k.Mode)
	}
	if !slices.Contains(Plans(), k.Plan) {
		return fmt.Errorf("plan %q: want one of %s", k.Plan, strings.Join(Plans(), ", "))
	}
	for _, scope := range k.Scopes {
		if !slices.Contains(Scopes(), scope) {
			return fmt.Errorf("scope %q: want some of %s", scope, strings.Join(Scopes(), ", "))
		}
	}
	return nil
}
