package admission

import (
	"strconv"
	"strings"

	"nightshift/internal/job"
)

// keys makes every Redis key of this package. All share one hash tag, because a
// grant is counted in a project, a team, a key and a batch at once, and a batch
// may run on keys of several teams: only one tag puts every such set on one node
// of a cluster. Names come last in a key, so whatever they hold, no two collide. doc.go
// lists them.
type keys struct{ tag string }

func newKeys(prefix string) keys { return keys{tag: "{" + prefix + ":admission}:"} }

func (k keys) epoch() string             { return k.tag + "epoch" }
func (k keys) ready() string             { return k.tag + "ready" }
func (k keys) grant(owner string) string { return k.tag + grantKind + owner }
func (k keys) live(batch string) string  { return k.tag + liveKind + batch }

// settled are the grants that were settled, by even and by odd hours.
func (k keys) settled() []string {
	return []string{k.tag + settledKind + "even", k.tag + settledKind + "odd"}
}

// counter counts one thing of a scope.
func (k keys) counter(what string, of Kind, name string) string {
	return k.tag + what + ":" + string(of) + ":" + name
}

// The kinds of keys that a new epoch begins without.
const (
	grantKind = "grant:"
	liveKind  = "live:"
	slotsKind = "slots:"
	cuKind    = "cu:"
	// settledKind is followed by whether the hours are even or odd.
	settledKind = "settled:"
)

// owner names a grant. The batch is part of it, because a job's ID is its content
// and two batches may hold the same job.
func owner(ref job.Ref, attempt int) string {
	return escapeID.Replace(string(ref.ID)) + "/" + strconv.Itoa(attempt) + "/" + ref.Batch
}

// The first two slashes of an owner end ID and attempt, so an ID shows none.
var (
	escapeID   = strings.NewReplacer("%", "%25", "/", "%2F")
	unescapeID = strings.NewReplacer("%25", "%", "%2F", "/")
)

// parseOwner reads what owner writes.
func parseOwner(text string) (ref job.Ref, attempt int, ok bool) {
	parts := strings.SplitN(text, "/", 3)
	if len(parts) != 3 {
		return job.Ref{}, 0, false
	}
	attempt, err := strconv.Atoi(parts[1])
	return job.Ref{Batch: parts[2], ID: job.ID(unescapeID.Replace(parts[0]))}, attempt, err == nil
}
