package pool

import (
	"testing"

	"nightshift/internal/admission"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/provider"
	"nightshift/internal/redistest"
)

// A plan knows every limit around the keys that the batch may use, and how they lie within
// each other; where one of several keys has none, the others' bind nothing.
func TestPlanLimitsOfSeveralKeys(t *testing.T) {
	t.Parallel()
	key := func(id, project, team string, parallel, requests int) config.APIKey {
		return config.APIKey{ID: id, Project: project, Team: team, Limits: config.Limits{Parallel: parallel, RequestsPerMinute: requests}}
	}
	of := func(parallel, requests int) config.Limits {
		return config.Limits{Parallel: parallel, RequestsPerMinute: requests}
	}
	cases := map[string]struct {
		keys               []config.APIKey
		projects, teams    map[string]config.Limits
		learned            int // the ceiling of team t
		parallel, requests int
	}{
		"nothing is known":       {keys: []config.APIKey{key("a", "p", "t", 0, 0)}, requests: 100},
		"of the key":             {keys: []config.APIKey{key("a", "p", "t", 3, 20)}, parallel: 3, requests: 20},
		"of two keys":            {keys: []config.APIKey{key("a", "p", "t", 3, 20), key("b", "p", "t", 4, 30)}, parallel: 7, requests: 50},
		"of one of two keys":     {keys: []config.APIKey{key("a", "p", "t", 3, 20), key("b", "p", "t", 0, 0)}, requests: 100},
		"of their project":       {keys: []config.APIKey{key("a", "p", "t", 3, 0), key("b", "p", "t", 4, 0)}, projects: map[string]config.Limits{"p": of(5, 60)}, parallel: 5, requests: 60},
		"of two projects":        {keys: []config.APIKey{key("a", "p", "t", 0, 0), key("b", "q", "t", 0, 0)}, requests: 200},
		"of their team":          {keys: []config.APIKey{key("a", "p", "t", 9, 0), key("b", "q", "t", 9, 0)}, teams: map[string]config.Limits{"t": of(12, 0)}, parallel: 12, requests: 200},
		"learned of the team":    {keys: []config.APIKey{key("a", "p", "t", 9, 0)}, learned: 6, parallel: 6, requests: 100},
		"learned, and set lower": {keys: []config.APIKey{key("a", "p", "t", 9, 0)}, teams: map[string]config.Limits{"t": of(2, 0)}, learned: 6, parallel: 2, requests: 100},
		"of two teams":           {keys: []config.APIKey{key("a", "p", "t", 2, 0), key("b", "q", "u", 3, 0)}, learned: 6, parallel: 5, requests: 200},
		"of one of two teams":    {keys: []config.APIKey{key("a", "p", "t", 0, 0), key("b", "q", "u", 0, 0)}, learned: 6, requests: 200},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, client := redistest.Emulator(t)
			rules := &config.Keys{Projects: c.projects, Teams: c.teams}
			keyring, err := NewKeyring(func(config.APIKey) (provider.Account, error) { return nil, nil }, rules, c.keys)
			if err != nil {
				t.Fatal(err)
			}
			g := &Limiter{Admission: admission.New(admission.Options{Redis: client, Prefix: "ns"}), Keys: keyring, Requests: 100}
			if err := g.Admission.Begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := g.Admission.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			if c.learned > 0 {
				if err := g.Admission.LearnCeiling(t.Context(), admission.Account{APIKey: "a", Project: "p", Team: "t"}, c.learned); err != nil {
					t.Fatal(err)
				}
			}
			budget := job.CU(5000)
			limits, err := g.PlanLimits(t.Context(), "test/m", BatchRules{Budget: &budget}, nil)
			if err != nil || limits.Parallel != c.parallel || limits.RequestsPerMinute != c.requests {
				t.Errorf("%d at once and %d requests, %v; want %d and %d", limits.Parallel, limits.RequestsPerMinute, err, c.parallel, c.requests)
			}
			if len(limits.Caps) != 1 || limits.Caps[0].CU != budget {
				t.Errorf("caps %+v", limits.Caps)
			}
		})
	}
}
