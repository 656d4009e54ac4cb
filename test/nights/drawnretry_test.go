package nights

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"nightshift/internal/job"
)

// The command retry: what a batch that is over has no images of is run again.
var _ = register(capability{name: "retry", counts: []string{"retry: jobs run again"}, draw: drawRetry})

func drawRetry(r *rand.Rand, s *script) *part {
	if r.IntN(3) > 0 {
		return nil
	}
	everything := r.IntN(2) == 0 // also what was refused for its content and charged
	again := func(n *drawnNight) {
		b := n.anyBatch()
		if b == nil || n.isOpen(b) {
			return
		}
		args := []string{"retry", b.manifest.Batch()}
		if everything {
			args = append(args, "--kind", strings.Join(job.FailureKinds, ","))
		}
		if len(b.failed()) > 0 && n.command(args...).code == exitDone {
			strikes.add("retry: jobs run again")
		}
	}
	at := within(r, s.length)
	s.events = append(s.events, event{at: at, trouble: trouble{name: "a batch is retried", mild: true, strike: again}})
	return &part{
		tells: fmt.Sprintf("after %s and in the morning, of what was refused as well: %t", at, everything),
		calm:  func(n *drawnNight) { n.mornings = append(n.mornings, again) },
	}
}

// isOpen reports whether workers have something to do with a batch.
func (n *drawnNight) isOpen(b *nightBatch) bool {
	n.t.Helper()
	return slices.Contains(n.open(), b.manifest.Batch())
}
