package pool

import (
	"context"
	"maps"
	"slices"
	"time"

	"nightshift/internal/admission"
	"nightshift/internal/batch"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/wait"
)

// keyState says in a word whether an API key takes new jobs; a closed list.
type keyState string

// What an API key can be in.
const (
	KeyReady       keyState = "ready"
	keyFull        keyState = "full"        // as many jobs run as may
	keyOutOfCU     keyState = "out of CU"   // a cap of ours is reached
	keyCooldown    keyState = "cooldown"    // the API told us to pause
	keyDrained     keyState = "drained"     // the plan's allowance is used up
	keyQuarantined keyState = "quarantined" // the API refused the credential
	keyPaused      keyState = "paused"      // requests or failures
)

// KeyStates are all of them.
var KeyStates = []keyState{KeyReady, keyFull, keyOutOfCU, keyCooldown, keyDrained, keyQuarantined, keyPaused}

// KeyStatus is an API key as it stands now. Amounts are in CU.
type KeyStatus struct {
	ID      string   `json:"id"`
	Pool    string   `json:"pool"`
	Mode    job.Mode `json:"mode"`
	API     string   `json:"api"`
	Project string   `json:"project,omitempty"`
	Team    string   `json:"team,omitempty"`
	State   keyState `json:"state"`
	// Until is when it takes jobs again, and Why says what it waits for.
	Until        time.Time `json:"until,omitzero"`
	Why          string    `json:"why,omitempty"`
	Running      int       `json:"running"`
	Ceiling      int       `json:"ceiling"`      // 0 = not known
	RequestsLeft int       `json:"requestsLeft"` // in this minute; -1 = no limit
	RequestsMost int       `json:"requestsPerMinute"`
	Spent        job.CU    `json:"spent"`
	SpentToday   job.CU    `json:"spentToday"`
	Reserved     job.CU    `json:"reserved"`
}

// capStatus is one cap as it stands now.
type capStatus struct {
	Scope    string    `json:"scope"` // "key", "project", "team" or "batch"
	Name     string    `json:"name"`
	Period   string    `json:"period"` // "total", "day" or "month"
	Cap      job.CU    `json:"cap"`
	Spent    job.CU    `json:"spent"`
	Reserved job.CU    `json:"reserved"`
	Left     job.CU    `json:"left"`
	Resets   time.Time `json:"resets,omitzero"`
}

// Status is all keys and caps as one Redis counts them.
type Status struct {
	Source string      `json:"source"` // what was asked: a server, a run, the logs of the batches
	Keys   []KeyStatus `json:"keys"`
	Caps   []capStatus `json:"caps"`
}

// Status reads how every key of a gate stands.
func (g *Limiter) Status(ctx context.Context, pools map[string]string) (Status, error) {
	s := Status{Keys: []KeyStatus{}, Caps: []capStatus{}}
	now := time.Now()
	for _, key := range g.Keys.Usable(nil) {
		candidate := g.Candidate(key, now)
		usage, err := g.Admission.Usage(ctx, candidate...)
		if err != nil {
			return s, err
		}
		s.Keys = append(s.Keys, StatusOf(key, pools[key.ID], candidate, usage))
		for _, scope := range candidate {
			s.addCaps(scope, usage[scope.Kind])
		}
	}
	for name := range g.Keys.Limits().Batches {
		if err := g.batchStatus(ctx, &s, name, now); err != nil {
			return s, err
		}
	}
	slices.SortStableFunc(s.Caps, func(a, b capStatus) int { return slices.Index(scopeOrder, a.Scope) - slices.Index(scopeOrder, b.Scope) })
	return s, nil
}

var scopeOrder = []string{"key", "project", "team", "batch"}

// batchStatus adds the caps that the keys file sets for a batch.
func (g *Limiter) batchStatus(ctx context.Context, s *Status, name string, now time.Time) error {
	limits := limitsOf(g.Keys.Limits().Batches[name], now)
	for i, batch := range []string{name, batch.TestFolder + "/" + name} { // a cap holds for each of the two
		scope := admission.Scope{Kind: admission.Batch, Name: batch, Limits: limits}
		usage, err := g.Admission.Usage(ctx, scope)
		if err != nil {
			return err
		}
		if used := usage[admission.Batch]; i == 0 || used.Spent+used.Reserved > 0 {
			s.addCaps(scope, used)
		}
	}
	return nil
}

func (s *Status) addCaps(scope admission.Scope, usage admission.ScopeUsage) {
	if slices.ContainsFunc(s.Caps, func(c capStatus) bool { return c.Scope == string(scope.Kind) && c.Name == scope.Name }) {
		return // shared by several keys
	}
	for _, c := range []struct {
		cap    *job.CU
		period string
		spent  job.CU
		resets time.Time
	}{
		{scope.Limits.CU.Total, "total", usage.Spent, time.Time{}},
		{scope.Limits.CU.Day, "day", usage.SpentToday, usage.DayEnds},
		{scope.Limits.CU.Month, "month", usage.SpentThis, usage.MonthEnds},
	} {
		if c.cap != nil {
			s.Caps = append(s.Caps, capStatus{
				Scope: string(scope.Kind), Name: scope.Name, Period: c.period, Cap: *c.cap, Spent: c.spent, Reserved: usage.Reserved,
				Left: max(0, *c.cap-c.spent-usage.Reserved), Resets: c.resets,
			})
		}
	}
}

// StatusOf makes the status of a key from what Redis counts of it and of what is around it.
func StatusOf(key *Key, pool string, c admission.Candidate, u admission.Usage) KeyStatus {
	s := KeyStatus{
		ID: key.ID, Pool: pool, Mode: key.Mode, API: HostOf(key.URL), Project: key.Project, Team: key.Team,
		Running: u[admission.Team].Running, RequestsLeft: -1,
		Spent: u[admission.Key].Spent, SpentToday: u[admission.Key].SpentToday, Reserved: u[admission.Key].Reserved,
	}
	for _, scope := range c {
		used, most := u[scope.Kind], scope.Limits.RequestsPerMinute
		if used.Ceiling > 0 && (s.Ceiling == 0 || used.Ceiling <= s.Ceiling) {
			s.Running, s.Ceiling = used.Running, used.Ceiling
		}
		if most > 0 && (s.RequestsLeft < 0 || used.RequestsLeft <= s.RequestsLeft) {
			s.RequestsLeft, s.RequestsMost = used.RequestsLeft, most
		}
	}
	s.State, s.Until, s.Why = stateOf(s, c, u)
	return s
}

// stateOf is the state of a key: what blocks it longest.
func stateOf(s KeyStatus, c admission.Candidate, u admission.Usage) (state keyState, until time.Time, why string) {
	var reason job.WaitReason
	for _, scope := range c {
		if used := u[scope.Kind]; used.BlockedUntil.After(until) {
			until, reason = used.BlockedUntil, used.BlockedFor
		}
	}
	if state, held := heldStates[reason]; held {
		return state, until, wait.Of(reason).Sentence("", time.Time{})
	}
	for _, scope := range c {
		if period, resets := fullCap(scope.Limits, u[scope.Kind]); period != "" {
			return keyOutOfCU, resets, "the " + string(scope.Kind) + "'s cap (" + period + ") is reached; raise it, or wait for its reset"
		}
	}
	if s.Ceiling > 0 && s.Running >= s.Ceiling {
		return keyFull, time.Time{}, "as many jobs run as may; the next starts when one ends"
	}
	return KeyReady, time.Time{}, ""
}

// anyMode is the mode of the key of the environment: that of the batch it is used for.
const anyMode job.Mode = "any"

var heldStates = map[job.WaitReason]keyState{
	job.WaitCooldown:    keyCooldown,
	job.WaitAllowance:   keyDrained,
	job.WaitQuarantine:  keyQuarantined,
	job.WaitRequestRate: keyPaused,
	job.WaitBackoff:     keyPaused,
}

// fullCap is the first cap that leaves nothing, and when it starts again.
func fullCap(l admission.Limits, u admission.ScopeUsage) (period string, resets time.Time) {
	switch {
	case l.CU.Total != nil && u.Spent+u.Reserved >= *l.CU.Total:
		return "total", time.Time{}
	case l.CU.Month != nil && u.SpentThis+u.Reserved >= *l.CU.Month:
		return "month", u.MonthEnds
	case l.CU.Day != nil && u.SpentToday+u.Reserved >= *l.CU.Day:
		return "day", u.DayEnds
	default:
		return "", time.Time{}
	}
}

// EveryKey are all keys that the settings name, with the pool of each by its id.
func EveryKey(s config.Settings, environ []string) (rules *config.Keys, keys []config.APIKey, pools map[string]string, err error) {
	pools = make(map[string]string)
	if s.KeysFile == "" {
		mode := job.Live
		if s.URL == "" && s.Key == "" {
			mode = job.Test
		}
		a := new(API)
		if rules, keys, err = a.keysFor(s, environ, mode, ""); err != nil {
			return nil, nil, nil, err
		}
		if !a.BuiltIn {
			keys[0].Mode = anyMode
		}
		pools[EnvironmentKey] = job.DefaultPool
		return rules, keys, pools, nil
	}
	if rules, err = config.ReadKeys(s.KeysFile, environ); err != nil {
		return nil, nil, nil, err
	}
	for _, pool := range slices.Sorted(maps.Keys(rules.Pools)) {
		for _, key := range rules.Pools[pool] {
			keys = append(keys, key)
			pools[key.ID] = pool
		}
	}
	return rules, keys, pools, nil
}
