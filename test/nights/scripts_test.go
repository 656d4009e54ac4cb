package nights

import (
	"crypto/sha1"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"nightshift/internal/simulator"
)

// scriptCounts counts the scripts that Redis runs.
type scriptCounts struct {
	mu    sync.Mutex
	runs  map[string]int    // by checksum
	named map[string]string // how each begins
}

func (c *scriptCounts) see(cmd string, args []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch cmd {
	case "EVALSHA":
		c.runs[args[0]]++
	case "EVAL": // a script that Redis did not know yet
		sum := sha1.Sum([]byte(args[0]))
		first, _, _ := strings.Cut(strings.TrimSpace(args[0]), "\n")
		c.named[hex.EncodeToString(sum[:])] = first
	}
}

// TestScriptsOfAJob bounds how often Redis runs a script for a job where nothing is
// waited for: it is what a fleet is limited by in the end.
func TestScriptsOfAJob(t *testing.T) {
	t.Parallel()
	const jobs, most = 400, 12.0
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(2*time.Second, 4*time.Second), Parallel: jobs, Seed: 1, RequestsPerMinute: 60_000}, etchings(jobs))
		n.submit()
		counts := &scriptCounts{runs: make(map[string]int), named: make(map[string]string)}
		n.redis.Server().SetPreHook(func(_ *server.Peer, cmd string, args ...string) bool {
			counts.see(strings.ToUpper(cmd), args)
			return false
		})
		started := time.Now()
		n.member()
		n.over(time.Hour)
		took := time.Since(started)
		n.noneFailed()
		counts.mu.Lock()
		defer counts.mu.Unlock()
		total := 0
		for _, runs := range counts.runs {
			total += runs
		}
		perJob := float64(total) / jobs
		t.Logf("%.1f scripts a job, in %s", perJob, took)
		if perJob <= most && !testing.Verbose() {
			return
		}
		if perJob > most {
			t.Errorf("want at most %.0f", most)
		}
		for _, sum := range slices.SortedFunc(maps.Keys(counts.runs), func(a, b string) int { return counts.runs[b] - counts.runs[a] }) {
			t.Logf("%6.2f %s", float64(counts.runs[sum])/jobs, counts.named[sum])
		}
	})
}
