package nights

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightshift/internal/simulator"
)

// keyOf is an API key as the simulator knows it. In the keys file it has the same
// name, unless said otherwise, and its secret is its name with "secret-" before it.
func keyOf(name, project, team string) simulator.Key {
	return simulator.Key{Key: name, Secret: "secret-" + name, Project: project, Team: team}
}

// newKeyNight makes a night whose program takes its API keys from a keys file.
func newKeyNight(t *testing.T, o simulator.Options, text string, keys string, environ ...string) *night {
	t.Helper()
	for _, key := range o.Keys {
		environ = append(environ, "KEY_"+key.Key+"="+key.Key, "SECRET_"+key.Key+"="+key.Secret)
	}
	path := filepath.Join(t.TempDir(), "keys.yaml")
	n := newNight(t, o, text, append(environ, "NIGHTSHIFT_KEYS="+path)...)
	n.keysFile = path
	n.writeKeys(keys)
	return n
}

// writeKeys gives the keys file another content, as an editor does: all at once.
func (p *place) writeKeys(text string) {
	p.t.Helper()
	err := os.WriteFile(p.keysFile+".new", []byte("version: 1\n"+text), 0o600)
	if err == nil {
		err = os.Rename(p.keysFile+".new", p.keysFile)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// poolOf is the default pool of a keys file.
func poolOf(keys ...string) string { return "pools:\n  default:\n" + strings.Join(keys, "") }

// entryOf is a key's entry in the keys file.
func entryOf(key simulator.Key, limits ...string) string { return entryWith(key.Key, key, limits...) }

// entryWith is the entry of an id with the credential of a key.
func entryWith(id string, key simulator.Key, limits ...string) string {
	return fmt.Sprintf("    - {id: %s, mode: test, url: http://simulator/v1, key: {env: KEY_%s}, secret: {env: SECRET_%s}, project: %s, team: %s, limits: {%s}}\n",
		id, key.Key, key.Key, key.Project, key.Team, strings.Join(limits, ", "))
}

// takenOver waits until a run has taken over the present keys file.
func (s *shift) takenOver() {
	s.night.t.Helper()
	before := s.out.count("keys file taken over")
	s.night.until("the keys file is taken over", time.Minute, func() bool { return s.out.count("keys file taken over") > before })
}

// paidBy are the runs in the ledger by the key that paid.
func (p *place) paidBy() map[string][]simulator.Entry {
	by := make(map[string][]simulator.Entry)
	for _, entry := range p.sim.Ledger() {
		by[entry.Key] = append(by[entry.Key], entry)
	}
	return by
}

// acceptedAfter are the runs that began later than a moment.
func acceptedAfter(entries []simulator.Entry, at time.Time) int {
	after := 0
	for _, entry := range entries {
		if entry.Accepted.After(at) {
			after++
		}
	}
	return after
}
