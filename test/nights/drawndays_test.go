package nights

import (
	"fmt"
	"math/rand/v2"
	"time"

	"nightshift/internal/job"
)

// Caps of a day: the night begins soon before midnight, at which they come anew. In the
// morning a person takes them away.
var _ = register(capability{name: "caps of a day", draw: drawDays})

func drawDays(r *rand.Rand, s *script) *part {
	if r.IntN(6) > 0 {
		return nil
	}
	s.begins = 24*time.Hour - time.Duration(20+r.IntN(150))*time.Second
	for i := range s.keys {
		if r.IntN(4) > 0 {
			s.keys[i].day = job.CU(6+r.IntN(50)) * job.OneCU
		}
	}
	return &part{
		tells: fmt.Sprintf("the night begins %s before midnight", 24*time.Hour-s.begins),
		begin: func(n *drawnNight) { n.lasts() },
		calm: func(n *drawnNight) { // a batch that is submitted in the calm is not held up by them
			clear(n.days)
			n.rewriteKeys()
		},
	}
}
