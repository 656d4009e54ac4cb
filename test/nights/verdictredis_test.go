package nights

import (
	"slices"
	"strings"
)

// What Redis may hold of jobs that wait: the largest window of each batch, with what is given
// to the lane together. Beside these it holds those that are under way: what runs, and what
// waits for its images or for a lost reply (see internal/runner/feed.go).
const (
	largestWindow = 800 + 100
	waitingMost   = 1000
)

// sample notes how much Redis holds of jobs.
func (n *drawnNight) sample() {
	records := 0
	for _, key := range n.redis.Keys() {
		if strings.Contains(key, ":job:") {
			records++
		}
	}
	n.mostRecords = max(n.mostRecords, records)
}

// judgeRedis: what Redis holds is bounded by the window, and nothing is left of jobs that are
// over.
func (n *drawnNight) judgeRedis() {
	n.t.Helper()
	running := teams(n.script) * n.script.parallel
	if most := running + waitingMost + largestWindow*len(n.batches); n.mostRecords > most {
		n.fail("Redis is bounded by the window", "", "it held %d jobs, of at most %d", n.mostRecords, most)
	}
	// What a leader that was killed had fed of a batch that was cancelled meanwhile waits for
	// the next batch of its lane.
	left := slices.DeleteFunc(n.leftInRedis(), func(key string) bool {
		return !strings.Contains(key, grantKey) && slices.ContainsFunc(n.batches, func(b *nightBatch) bool {
			return b.cancelled && strings.Contains(key, b.manifest.Batch())
		})
	})
	if len(left) > 0 {
		n.fail("nothing is left", "", "Redis still has %d tasks, records and grants, the first: %s", len(left), left[0])
	}
}

// grantKey is in the names of grants.
const grantKey = ":admission}:grant:"

// leftInRedis are the keys of tasks, records and grants of jobs.
func (n *drawnNight) leftInRedis() []string {
	return slices.DeleteFunc(n.redis.Keys(), func(key string) bool {
		return !strings.Contains(key, ":t:") && !strings.Contains(key, ":job:") && !strings.Contains(key, grantKey)
	})
}
