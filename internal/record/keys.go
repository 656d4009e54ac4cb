package record

import (
	"strings"

	"nightshift/internal/job"
)

// liveStates are the states a record can be in, in the order of their index sets
// in KEYS of the scripts.
var liveStates = []job.State{job.Queued, job.Admitted, job.Sending, job.Running, job.Unknown, job.Storing}

// Every key of a pool begins with the prefix that carries its hash tag, so that one
// script may touch several of them on a Redis Cluster.
func (s *Store) key(parts ...string) string { return s.prefix + strings.Join(parts, ":") }

func (s *Store) recordKey(ref job.Ref) string    { return s.key("job", ref.String()) }
func (s *Store) stateKey(state job.State) string { return s.key("state", string(state)) }
func (s *Store) doneKey(batch string) string     { return s.key("done", batch) }
func (s *Store) countsKey(batch string) string   { return s.key("counts", batch) }
func (s *Store) inferencesKey() string           { return s.key("inferences") }
func (s *Store) ownedKey() string                { return s.key("owned") }
func (s *Store) lookedKey() string               { return s.key("looked") }
func (s *Store) standKey(p job.Priority) string  { return s.key("stand", string(p)) }
func (s *Store) leaseKey(name string) string     { return s.key("lease", name) }
func (s *Store) changeKeys(ref job.Ref) []string {
	keys := []string{s.recordKey(ref), s.countsKey(ref.Batch), s.inferencesKey(), s.ownedKey(), s.doneKey(ref.Batch)}
	for _, state := range liveStates {
		keys = append(keys, s.stateKey(state))
	}
	return keys
}
