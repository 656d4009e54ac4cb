package queue

import (
	"strings"

	"nightshift/internal/job"
	"nightshift/internal/rediskeys"
)

// liveStates are the states a record can be in, in the order of their index sets
// in KEYS of the scripts.
var liveStates = []job.State{job.Queued, job.Admitted, job.Sending, job.Running, job.Unknown, job.Storing}

// poolPrefix begins the keys of a pool, and of no other.
func poolPrefix(prefix, pool string) string { return prefix + ":{" + rediskeys.Tag(pool) + "}:" }

// Every key of a pool begins with the prefix that carries its hash tag, so that one
// script may touch several of them on a Redis Cluster.
func (q *Queue) key(parts ...string) string { return q.prefix + strings.Join(parts, ":") }

func (q *Queue) recordKey(ref job.Ref) string    { return q.key("job", ref.String()) }
func (q *Queue) stateKey(state job.State) string { return q.key("state", string(state)) }
func (q *Queue) doneKey(batch string) string     { return q.key("done", batch) }
func (q *Queue) countsKey(batch string) string   { return q.key("counts", batch) }
func (q *Queue) inferencesKey() string           { return q.key("inferences") }
func (q *Queue) ownedKey() string                { return q.key("owned") }
func (q *Queue) lookedKey() string               { return q.key("looked") }
func (q *Queue) standKey(p job.Priority) string  { return q.key("stand", string(p)) }
func (q *Queue) changeKeys(ref job.Ref) []string {
	keys := []string{q.recordKey(ref), q.countsKey(ref.Batch), q.inferencesKey(), q.ownedKey(), q.doneKey(ref.Batch)}
	for _, state := range liveStates {
		keys = append(keys, q.stateKey(state))
	}
	return keys
}
