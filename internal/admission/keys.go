package admission

import (
	"strconv"

	"nightshift/internal/job"
)

// keys makes every Redis key of this package. All share one hash tag, because a
// grant is counted in a project, a team, a key and a batch at once, and a batch
// may run on keys of several teams: only one tag puts every such set on one node
// of a cluster. Names come last in a key, so whatever they hold, no two collide.
type keys struct{ tag string }

func newKeys(prefix string) keys { return keys{tag: "{" + prefix + ":admission}:"} }

// grant is a hash: one reservation, or for a time the marker of a finished one.
func (k keys) grant(batch string, id job.ID, attempt int) string {
	return k.tag + "grant:" + owner(batch, id, attempt)
}

// rate is a hash: the requests of a project in the last minute, by bucket.
func (k keys) rate(project string) string { return k.tag + "rate:" + project }

// slots is a set: the owners of a team's running jobs.
func (k keys) slots(team string) string { return k.tag + "slots:" + team }

// ceiling is a number: how many jobs of a team may run, as the provider said.
func (k keys) ceiling(team string) string { return k.tag + "ceiling:" + team }

// keyCU and batchCU are hashes: what is spent and reserved in total.
func (k keys) keyCU(apiKey string) string  { return k.tag + "cu:key:" + apiKey }
func (k keys) batchCU(batch string) string { return k.tag + "cu:batch:" + batch }

// keyHold and projectHold are texts: until when nothing is granted, and why.
func (k keys) keyHold(apiKey string) string      { return k.tag + "hold:key:" + apiKey }
func (k keys) projectHold(project string) string { return k.tag + "hold:project:" + project }

// owner names a grant. The batch is part of it, because a job's ID is its content
// and two batches may hold the same job.
func owner(batch string, id job.ID, attempt int) string {
	return string(id) + "/" + strconv.Itoa(attempt) + "/" + batch
}
