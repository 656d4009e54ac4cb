package nights

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/simulator"
)

// A worker that was about to send jobs, and had noted it, is killed. Once the batch is cancelled
// nothing is held for them.
func TestACancelledBatchHoldsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(5*time.Second, 5*time.Second), Parallel: 4, Seed: 1, RequestsPerMinute: 3000}, etchings(12))
		doomed := n.mortal()
		n.weather.set(0, 0, 5*time.Second)
		n.submit()
		n.until("jobs are granted", 10*time.Minute, func() bool {
			for _, key := range n.redis.Keys() {
				if strings.Contains(key, grantKey) {
					return true
				}
			}
			return false
		})
		n.gate.stop() // what was noted is not marked as being sent
		n.until("jobs are about to be sent", time.Minute, func() bool {
			data, err := os.ReadFile(filepath.Join(n.folder, n.manifest.Batch(), "_nightshift", "attempts.jsonl"))
			return err == nil && strings.Contains(string(data), `"intended"`)
		})
		doomed.kill()
		<-doomed.member.over // what it was writing is written, or lost
		n.gate.open()
		n.weather.set(0, 0, 0)
		n.done("cancel", n.manifest.Batch())
		n.member()
		n.over(time.Hour)
		if accepted := len(n.sim.Ledger()); accepted > 0 {
			t.Errorf("%d jobs were sent", accepted)
		}
		n.booksAgree(n)
		n.noSlotTaken()
	})
}
