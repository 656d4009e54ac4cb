package queue

import (
	"strings"

	"nightshift/internal/job"
)

// liveStates are the states a record can be in, in the order of their index sets
// in KEYS of the scripts.
var liveStates = []job.State{job.Queued, job.Sending, job.Running, job.Unknown, job.Storing}

// Every key of the job records begins with the prefix that carries its hash tag, so that one
// script may touch several of them on a Redis Cluster.
func (q *Queue) key(parts ...string) string { return q.prefix + strings.Join(parts, ":") }

func (q *Queue) recordsPrefix() string            { return q.key("job", "") }
func (q *Queue) recordKey(ref job.Ref) string     { return q.recordsPrefix() + ref.String() }
func (q *Queue) stateKey(state job.State) string  { return q.key("state", string(state)) }
func (q *Queue) doneKey(batch string) string      { return q.key("done", batch) }
func (q *Queue) countsPrefix() string             { return q.key("counts", "") }
func (q *Queue) countsKey(batch string) string    { return q.countsPrefix() + batch }
func (q *Queue) inferencesKey() string            { return q.key("inferences") }
func (q *Queue) ownedKey() string                 { return q.key("owned") }
func (q *Queue) polledKey() string                { return q.key("looked") }
func (q *Queue) waitingKey(p job.Priority) string { return q.key("stand", string(p)) }
func (q *Queue) ownersKey() string                { return q.key("owners") }
func (q *Queue) claimsPrefix() string             { return q.key("claims", "") }
func (q *Queue) claimsKey(owner string) string    { return q.claimsPrefix() + owner }
func (q *Queue) changeKeys(ref job.Ref) []string {
	keys := []string{q.recordKey(ref), q.countsKey(ref.Batch), q.inferencesKey(), q.ownedKey()}
	for _, state := range liveStates {
		keys = append(keys, q.stateKey(state))
	}
	return keys
}
